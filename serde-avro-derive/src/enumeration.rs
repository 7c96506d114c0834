//! Enums: an Avro enum where no variant holds anything, else a union.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Variant};

use crate::attributes::{PartAttributes, Preset, TypeAttributes, bare, option};
use crate::record;

pub(crate) fn describe(
    input: &DeriveInput,
    data: &DataEnum,
    attributes: &TypeAttributes,
) -> syn::Result<TokenStream> {
    let mut variants = Vec::new();
    for variant in &data.variants {
        let own = PartAttributes::of(&variant.attrs)?;
        if own.untagged {
            return Err(Error::new_spanned(variant, "serde(untagged) is understood on the whole enum only"));
        }
        if !own.skip {
            variants.push((variant, own));
        }
    }
    if variants.iter().all(|(variant, _)| matches!(variant.fields, Fields::Unit)) {
        return symbols(input, &variants, attributes);
    }
    let mut branches = TokenStream::new();
    for (variant, own) in &variants {
        let (name, branch) = (name(variant, own, attributes), branch(variant, own, attributes)?);
        branches.extend(quote!((#name, #branch),));
    }
    let untagged = attributes.untagged;
    Ok(quote!({
        let variants = ::std::vec![#branches];
        definitions.union::<Self>(#untagged, variants)
    }))
}

fn name(variant: &Variant, own: &PartAttributes, attributes: &TypeAttributes) -> String {
    let rust = bare(&variant.ident);
    match (&own.rename, attributes.rename_all) {
        (Some(name), _) => name.clone(),
        (None, Some(rule)) => rule.variant(&rust),
        (None, None) => rust,
    }
}

fn symbols(
    input: &DeriveInput,
    variants: &[(&Variant, PartAttributes)],
    attributes: &TypeAttributes,
) -> syn::Result<TokenStream> {
    let symbols: Vec<String> = variants.iter().map(|(variant, own)| name(variant, own, attributes)).collect();
    let mut default = None;
    for ((variant, own), symbol) in variants.iter().zip(&symbols) {
        match &own.default {
            Preset::Bare if default.is_none() => default = Some(symbol),
            Preset::Bare | Preset::Json(_) => {
                return Err(Error::new_spanned(variant, "one variant is the default, without a value"));
            }
            Preset::None => {}
        }
    }
    let (head, default) = (attributes.head(&attributes.name_of(input)), option(default));
    Ok(quote!(definitions.enumeration::<Self>(#head, &[#(#symbols),*], #default)))
}

/// The branch of a variant in a union.
fn branch(variant: &Variant, own: &PartAttributes, attributes: &TypeAttributes) -> syn::Result<TokenStream> {
    let name = name(variant, own, attributes);
    let doc = option(own.doc.as_ref());
    let head = quote!(::assay_serde_avro::TypeHead { name: #name, namespace: None, doc: #doc, aliases: &[] });
    match &variant.fields {
        Fields::Unit if name.eq_ignore_ascii_case("null") => Ok(quote!("null".into())),
        Fields::Unit => Ok(quote!({
            // a name of its own for the record of a variant
            struct Variant;
            definitions.record::<Variant>(#head, |_| {})
        })),
        Fields::Named(fields) => {
            let rename_all = own.rename_all.or(attributes.rename_all_fields);
            let fill = record::fields(&fields.named, rename_all)?;
            Ok(quote!({
                struct Variant;
                definitions.record::<Variant>(#head, |fields| { #fill })
            }))
        }
        Fields::Unnamed(fields) => record::unnamed(fields),
    }
}
