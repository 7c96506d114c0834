//! Structs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Error, Field, FieldsNamed, FieldsUnnamed, Token, Type};

use crate::attributes::{PartAttributes, Preset, bare, option};
use crate::naming::Rule;

/// A newtype is what it holds; several fields of one type are an array, as serde writes them.
pub(crate) fn unnamed(fields: &FieldsUnnamed) -> syn::Result<TokenStream> {
    let mut kept = Vec::new();
    for field in &fields.unnamed {
        let attributes = PartAttributes::of(&field.attrs)?;
        if !attributes.skip {
            kept.push((field, describe(field, &attributes)?));
        }
    }
    if let [(_, described)] = kept.as_slice()
        && fields.unnamed.len() == 1
    {
        return Ok(described.clone());
    }
    let Some((_, first)) = kept.first() else {
        return Err(Error::new_spanned(
            fields,
            "a tuple of nothing has no Avro schema: leave the parentheses out",
        ));
    };
    if let Some((field, _)) = kept.iter().find(|(_, other)| other.to_string() != first.to_string()) {
        let message = "fields of several types need names: an Avro array has items of one type";
        return Err(Error::new_spanned(field, message));
    }
    Ok(quote!({
        let items = #first;
        definitions.array(items)
    }))
}

/// A struct that serde writes as its only field.
pub(crate) fn transparent(fields: &FieldsNamed) -> syn::Result<TokenStream> {
    let mut kept = Vec::new();
    for field in &fields.named {
        let attributes = PartAttributes::of(&field.attrs)?;
        if !attributes.skip {
            kept.push((field, attributes));
        }
    }
    match kept.as_slice() {
        [(field, attributes)] => describe(field, attributes),
        _ => Err(Error::new_spanned(fields, "serde(transparent) takes one field that is not skipped")),
    }
}

/// Statements that add the fields to `fields`.
pub(crate) fn fields(
    list: &Punctuated<Field, Token![,]>,
    rename_all: Option<Rule>,
) -> syn::Result<TokenStream> {
    let mut statements = TokenStream::new();
    for field in list {
        let attributes = PartAttributes::of(&field.attrs)?;
        if attributes.skip {
            continue;
        }
        if attributes.flatten {
            let of = &field.ty;
            statements.extend(quote!(fields.flatten::<#of>();));
            continue;
        }
        let rust = field.ident.as_ref().map(bare).unwrap_or_default();
        let name = match (&attributes.rename, rename_all) {
            (Some(name), _) => name.clone(),
            (None, Some(rule)) => rule.field(&rust),
            (None, None) => rust,
        };
        let default = match &attributes.default {
            Preset::Bare => {
                return Err(Error::new_spanned(field, "the default of a field is JSON: default = \"...\""));
            }
            Preset::Json(json) => Some(json),
            Preset::None => None,
        };
        let (doc, default) = (option(attributes.doc.as_ref()), option(default));
        let (aliases, describe) = (&attributes.aliases, describe(field, &attributes)?);
        statements.extend(quote! {
            fields.field(
                ::assay_serde_avro::FieldHead { name: #name, doc: #doc, default: #default, aliases: &[#(#aliases),*] },
                |definitions| #describe,
            );
        });
    }
    Ok(statements)
}

/// The expression that describes a field's type.
pub(crate) fn describe(field: &Field, attributes: &PartAttributes) -> syn::Result<TokenStream> {
    let of = &field.ty;
    if let Some(json) = &attributes.schema {
        return Ok(quote!(definitions.json(#json)));
    }
    if let Some(logical) = &attributes.logical {
        let (precision, scale) = (option(attributes.precision), option(attributes.scale));
        return Ok(optional(of, &quote!(definitions.logical(#logical, #precision, #scale))));
    }
    match attributes.with.as_deref() {
        None => {}
        Some("serde_bytes") => return Ok(optional(of, &quote!("bytes".into()))),
        Some(path) if path.ends_with("logical") || path.ends_with("logical::option") => {}
        Some(_) => {
            let message =
                "a field with functions of its own needs its type spelt out: #[avro(schema = \"...\")]";
            return Err(Error::new_spanned(field, message));
        }
    }
    Ok(quote!(<#of as ::assay_serde_avro::AvroSchema>::describe(definitions)))
}

/// Null or the type, for a field that is an `Option`.
fn optional(of: &Type, describe: &TokenStream) -> TokenStream {
    let is_option =
        matches!(of, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option"));
    if is_option { quote!({ let of = #describe; definitions.optional(of) }) } else { describe.clone() }
}
