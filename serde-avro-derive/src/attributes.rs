//! Attributes of types, fields and variants.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, DeriveInput, Expr, ExprLit, Lit, LitInt, LitStr, Meta};

use crate::naming::Rule;

/// What a type says about itself.
#[derive(Debug, Default)]
pub(crate) struct TypeAttributes {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) rename_all_fields: Option<Rule>,
    pub(crate) transparent: bool,
    pub(crate) untagged: bool,
    name: Option<String>,
    namespace: Option<String>,
    doc: Option<String>,
    aliases: Vec<String>,
}

impl TypeAttributes {
    pub(crate) fn of(input: &DeriveInput) -> syn::Result<Self> {
        let mut found = Self { doc: comment(&input.attrs), ..Self::default() };
        for attribute in &input.attrs {
            if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| found.serde(&meta))?;
            } else if attribute.path().is_ident("avro") {
                attribute.parse_nested_meta(|meta| {
                    match word(&meta).as_str() {
                        "name" => found.name = Some(text(&meta)?),
                        "namespace" => found.namespace = Some(text(&meta)?),
                        "doc" => found.doc = Some(text(&meta)?),
                        "alias" => found.aliases.push(text(&meta)?),
                        _ => return Err(meta.error("not one of name, namespace, doc, alias")),
                    }
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match word(meta).as_str() {
            "rename" => self.rename = Some(one_name(meta)?),
            "rename_all" => self.rename_all = Some(rule(meta)?),
            "rename_all_fields" => self.rename_all_fields = Some(rule(meta)?),
            "transparent" => self.transparent = true,
            "untagged" => self.untagged = true,
            "tag" | "content" => {
                return Err(meta.error("Avro tells variants apart by a union's branch: leave the tag out, or implement AvroSchema"));
            }
            "from" | "try_from" | "into" | "remote" => {
                return Err(
                    meta.error("the type is not written as it is defined: implement AvroSchema by hand")
                );
            }
            _ => pass_over(meta)?,
        }
        Ok(())
    }

    /// The type's name without namespace.
    pub(crate) fn name_of(&self, input: &DeriveInput) -> String {
        self.name.clone().or_else(|| self.rename.clone()).unwrap_or_else(|| bare(&input.ident))
    }

    /// The head of a named type.
    pub(crate) fn head(&self, name: &str) -> TokenStream {
        let (namespace, doc, aliases) =
            (option(self.namespace.as_ref()), option(self.doc.as_ref()), &self.aliases);
        quote!(::assay_serde_avro::TypeHead {
            name: #name, namespace: #namespace, doc: #doc, aliases: &[#(#aliases),*],
        })
    }
}

/// What `default` says.
#[derive(Debug, Default)]
pub(crate) enum Preset {
    #[default]
    None,
    /// The word alone, as on a variant.
    Bare,
    /// A value in JSON, as on a field.
    Json(String),
}

/// What a field or a variant says about itself.
#[derive(Debug, Default)]
pub(crate) struct PartAttributes {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Rule>,
    pub(crate) aliases: Vec<String>,
    pub(crate) skip: bool,
    pub(crate) flatten: bool,
    pub(crate) untagged: bool,
    /// The module or function of `with` and its kin.
    pub(crate) with: Option<String>,
    pub(crate) doc: Option<String>,
    pub(crate) default: Preset,
    pub(crate) schema: Option<String>,
    pub(crate) logical: Option<String>,
    pub(crate) precision: Option<u32>,
    pub(crate) scale: Option<u32>,
}

impl PartAttributes {
    pub(crate) fn of(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut found = Self { doc: comment(attributes), ..Self::default() };
        for attribute in attributes {
            if attribute.path().is_ident("serde") {
                attribute.parse_nested_meta(|meta| found.serde(&meta))?;
            } else if attribute.path().is_ident("avro") {
                attribute.parse_nested_meta(|meta| found.avro(&meta))?;
            }
        }
        Ok(found)
    }

    fn serde(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match word(meta).as_str() {
            "rename" => self.rename = Some(one_name(meta)?),
            "rename_all" => self.rename_all = Some(rule(meta)?),
            "alias" => self.aliases.push(text(meta)?),
            "skip" | "skip_serializing" => self.skip = true,
            "flatten" => self.flatten = true,
            "untagged" => self.untagged = true,
            "with" | "serialize_with" | "deserialize_with" => self.with = Some(text(meta)?),
            _ => pass_over(meta)?,
        }
        Ok(())
    }

    fn avro(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match word(meta).as_str() {
            "doc" => self.doc = Some(text(meta)?),
            "default" => {
                self.default =
                    if meta.input.peek(syn::Token![=]) { Preset::Json(text(meta)?) } else { Preset::Bare };
            }
            "schema" => self.schema = Some(text(meta)?),
            "logical" => self.logical = Some(text(meta)?),
            "precision" => self.precision = Some(number(meta)?),
            "scale" => self.scale = Some(number(meta)?),
            _ => return Err(meta.error("not one of doc, default, schema, logical, precision, scale")),
        }
        Ok(())
    }
}

/// An identifier without the mark of a raw one.
pub(crate) fn bare(name: &syn::Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

pub(crate) fn option<T: quote::ToTokens>(value: Option<T>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

fn word(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn text(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<u32> {
    meta.value()?.parse::<LitInt>()?.base10_parse()
}

/// A rename that is the same in both directions, as one schema needs it.
fn one_name(meta: &ParseNestedMeta<'_>) -> syn::Result<String> {
    if meta.input.peek(syn::Token![=]) {
        return text(meta);
    }
    let mut names = Vec::new();
    meta.parse_nested_meta(|inner| {
        names.push(text(&inner)?);
        Ok(())
    })?;
    match names.as_slice() {
        [one] => Ok(one.clone()),
        [first, second] if first == second => Ok(first.clone()),
        _ => Err(meta.error("written and read under different names: one schema has one name")),
    }
}

fn rule(meta: &ParseNestedMeta<'_>) -> syn::Result<Rule> {
    Rule::parse(&one_name(meta)?).ok_or_else(|| meta.error("not a rule that serde knows"))
}

/// Steps over an attribute that does not matter to the schema.
fn pass_over(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| pass_over(&inner))?;
    }
    Ok(())
}

/// The lines of a documentation comment.
fn comment(attributes: &[Attribute]) -> Option<String> {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
