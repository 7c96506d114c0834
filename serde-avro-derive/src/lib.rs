//! `#[derive(AvroSchema)]`: the Avro schema of a Rust type, from its definition and its serde attributes.
//!
//! Use it through `assay-serde-avro`, whose trait `AvroSchema` describes it.

mod attributes;
mod enumeration;
mod naming;
mod record;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, parse_quote};

use attributes::TypeAttributes;

/// Implements `AvroSchema`; see that trait for what is understood.
#[proc_macro_derive(AvroSchema, attributes(avro, serde))]
pub fn derive_avro_schema(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let attributes = TypeAttributes::of(input)?;
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unit => quote!({
                let _ = definitions;
                "null".into()
            }),
            Fields::Unnamed(fields) => record::unnamed(fields)?,
            Fields::Named(fields) if attributes.transparent => record::transparent(fields)?,
            Fields::Named(fields) => {
                let head = attributes.head(&attributes.name_of(input));
                let fill = record::fields(&fields.named, attributes.rename_all)?;
                quote!(definitions.record::<Self>(#head, |fields| { #fill }))
            }
        },
        Data::Enum(data) => enumeration::describe(input, data, &attributes)?,
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "a union has no Avro schema")),
    };
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::assay_serde_avro::AvroSchema));
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::assay_serde_avro::AvroSchema for #name #arguments #bounds {
            fn describe(
                definitions: &mut ::assay_serde_avro::Definitions,
            ) -> ::assay_serde_avro::SchemaJson {
                #body
            }
        }
    })
}

#[cfg(test)]
mod tests;
