//! `#[pymethods]`: turns the functions of an `impl` block into tables of native definitions.
//!
//! ```ignore
//! #[pymethods]
//! impl List {
//!     /// Append object to the end of the list.
//!     #[py("($self, object, /)")]
//!     fn append(cx: &mut Cx, this: &'static List, object: Value) -> PyResult<()> { .. }
//!     #[getter]
//!     fn real(cx: &mut Cx, this: Value) -> PyResult<Value> { .. }
//! }
//! ```
//! gives `List::METHODS: &[NativeDef]` and `List::GETSETS: &[GetSetDef]`. A module's functions are written
//! the same way, on a unit struct. The string is CPython's `__text_signature__`; it decides which arguments
//! are positional-only, optional and keyword-only, and is the only place where this is said:
//! - a parameter with a default in the signature has a Rust type `Option<T>`: absent is `None`;
//! - `*args` arrives as `&'static Tuple`, `**kwargs` as `Option<&'static Dict>`;
//! - `#[py("(..)", raw)]` passes `cx` and the unconverted `Args` (self first for methods);
//! - `#[py("(..)", name = "in")]` names the Python function where the Rust name cannot;
//! - `#[classmethod]`, `#[staticmethod]`: a class method receives the class as first argument (`$type`);
//! - `#[getter]`, `#[setter]` (optionally `#[getter("name")]`): attributes; a setter's value is `Option<Value>`,
//!   `None` for deletion.
//!
//! Parameters are converted by `FromArg`, results by `IntoPy` (both in `taipan_runtime::native`).

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, LitStr, Pat, parse_macro_input};

mod signature;
use signature::Signature;

/// See the crate documentation.
#[proc_macro_attribute]
pub fn pymethods(_attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut block = parse_macro_input!(item as ItemImpl);
    match expand(&mut block) {
        Ok(tokens) => tokens.into(),
        Err(error) => {
            let error = error.to_compile_error();
            quote!(#block #error).into()
        }
    }
}

#[derive(PartialEq)]
enum Role {
    Method,
    Class,
    Static,
    Getter,
    Setter,
}

struct Entry {
    role: Role,
    name: String,
    signature: Option<LitStr>,
    raw: bool,
}

fn expand(block: &mut ItemImpl) -> syn::Result<proc_macro2::TokenStream> {
    let ty = block.self_ty.clone();
    let mut wrappers = Vec::new();
    let mut methods = Vec::new();
    let mut getsets: Vec<(String, String, Option<syn::Ident>, Option<syn::Ident>)> = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else { continue };
        let Some(entry) = take_entry(function)? else { continue };
        let doc = doc_of(&function.attrs);
        let wrapper = format_ident!("__py_{}", function.sig.ident);
        match entry.role {
            Role::Getter => {
                wrappers.push(getter_wrapper(function, &wrapper, &ty));
                match getsets.iter_mut().find(|g| g.0 == entry.name) {
                    Some(g) => g.2 = Some(wrapper),
                    None => getsets.push((entry.name, doc, Some(wrapper), None)),
                }
            }
            Role::Setter => {
                wrappers.push(setter_wrapper(function, &wrapper, &ty));
                match getsets.iter_mut().find(|g| g.0 == entry.name) {
                    Some(g) => g.3 = Some(wrapper),
                    None => getsets.push((entry.name, doc, None, Some(wrapper))),
                }
            }
            _ => {
                let literal = entry.signature.clone().ok_or_else(|| {
                    syn::Error::new_spanned(&function.sig.ident, "a method needs #[py(\"(signature)\")]")
                })?;
                let signature = Signature::parse(&literal)?;
                wrappers.push(method_wrapper(function, &wrapper, &ty, &entry, &signature)?);
                let (name, text) = (&entry.name, &signature.text);
                let kind = match entry.role {
                    Role::Class => quote!(Class),
                    Role::Static => quote!(Static),
                    _ if signature.has_self => quote!(Method),
                    _ => quote!(Function),
                };
                methods.push(quote! {
                    ::taipan_runtime::native::NativeDef {
                        name: #name, signature: #text, doc: #doc,
                        kind: ::taipan_runtime::native::NativeKind::#kind,
                        call: #ty::#wrapper,
                    }
                });
            }
        }
    }
    let getsets = getsets.iter().map(|(name, doc, get, set)| {
        let get = get.as_ref().map_or(quote!(None), |g| quote!(Some(#ty::#g)));
        let set = set.as_ref().map_or(quote!(None), |s| quote!(Some(#ty::#s)));
        quote!(::taipan_runtime::native::GetSetDef { name: #name, doc: #doc, get: #get, set: #set })
    });
    Ok(quote! {
        #block
        #[allow(non_snake_case)]
        impl #ty {
            /// Native methods or functions, from the declarations in this block.
            pub const METHODS: &'static [::taipan_runtime::native::NativeDef] = &[#(#methods),*];
            /// Native attributes, from the declarations in this block.
            pub const GETSETS: &'static [::taipan_runtime::native::GetSetDef] = &[#(#getsets),*];
            #(#wrappers)*
        }
    })
}

fn take_entry(function: &mut ImplItemFn) -> syn::Result<Option<Entry>> {
    let mut entry: Option<Entry> = None;
    let ident = function.sig.ident.to_string();
    let base_name = ident.strip_prefix("r#").unwrap_or(&ident).to_string();
    let mut role = Role::Method;
    let mut kept = Vec::new();
    for attr in std::mem::take(&mut function.attrs) {
        let path = attr.path().get_ident().map(|i| i.to_string()).unwrap_or_default();
        match path.as_str() {
            "py" => entry = Some(parse_py(&attr, &base_name)?),
            "classmethod" => role = Role::Class,
            "staticmethod" => role = Role::Static,
            "getter" | "setter" => {
                let name = match &attr.meta {
                    syn::Meta::List(list) => list.parse_args::<LitStr>()?.value(),
                    _ => base_name.strip_prefix("set_").filter(|_| path == "setter").unwrap_or(&base_name).to_string(),
                };
                let role = if path == "getter" { Role::Getter } else { Role::Setter };
                entry = Some(Entry { role, name, signature: None, raw: false });
            }
            _ => kept.push(attr),
        }
    }
    function.attrs = kept;
    if let Some(entry) = &mut entry
        && role != Role::Method
    {
        entry.role = role;
    }
    Ok(entry)
}

fn parse_py(attr: &Attribute, base_name: &str) -> syn::Result<Entry> {
    let mut entry = Entry { role: Role::Method, name: base_name.to_string(), signature: None, raw: false };
    attr.parse_args_with(|input: syn::parse::ParseStream| {
        entry.signature = Some(input.parse::<LitStr>()?);
        while !input.is_empty() {
            input.parse::<syn::Token![,]>()?;
            let word: syn::Ident = input.parse()?;
            if word == "raw" {
                entry.raw = true;
            } else if word == "name" {
                input.parse::<syn::Token![=]>()?;
                entry.name = input.parse::<LitStr>()?.value();
            } else {
                return Err(syn::Error::new_spanned(word, "expected `raw` or `name = \"..\"`"));
            }
        }
        Ok(())
    })?;
    Ok(entry)
}

fn doc_of(attrs: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attr in attrs {
        if let syn::Meta::NameValue(pair) = &attr.meta
            && pair.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value
        {
            let text = text.value();
            lines.push(text.strip_prefix(' ').unwrap_or(&text).to_string());
        }
    }
    lines.join("\n")
}

fn getter_wrapper(function: &ImplItemFn, wrapper: &syn::Ident, ty: &syn::Type) -> proc_macro2::TokenStream {
    let ident = &function.sig.ident;
    let this = param_type(function, 1);
    quote! {
        fn #wrapper(cx: &mut ::taipan_runtime::Cx, this: ::taipan_runtime::Value)
            -> ::taipan_runtime::PyResult<::taipan_runtime::Value> {
            let this = <#this as ::taipan_runtime::native::FromSelf>::from_self(this);
            ::taipan_runtime::native::IntoResult::into_result(#ty::#ident(cx, this), cx)
        }
    }
}

fn setter_wrapper(function: &ImplItemFn, wrapper: &syn::Ident, ty: &syn::Type) -> proc_macro2::TokenStream {
    let ident = &function.sig.ident;
    let this = param_type(function, 1);
    quote! {
        fn #wrapper(cx: &mut ::taipan_runtime::Cx, this: ::taipan_runtime::Value,
                    value: ::core::option::Option<::taipan_runtime::Value>) -> ::taipan_runtime::PyResult<()> {
            let this = <#this as ::taipan_runtime::native::FromSelf>::from_self(this);
            #ty::#ident(cx, this, value)
        }
    }
}

fn param_type(function: &ImplItemFn, index: usize) -> proc_macro2::TokenStream {
    match function.sig.inputs.iter().nth(index) {
        Some(FnArg::Typed(param)) => {
            let ty = &param.ty;
            quote!(#ty)
        }
        _ => quote!(::taipan_runtime::Value),
    }
}

fn method_wrapper(
    function: &ImplItemFn,
    wrapper: &syn::Ident,
    ty: &syn::Type,
    entry: &Entry,
    signature: &Signature,
) -> syn::Result<proc_macro2::TokenStream> {
    let ident = &function.sig.ident;
    if entry.raw {
        return Ok(quote! {
            fn #wrapper(cx: &mut ::taipan_runtime::Cx, args: ::taipan_runtime::native::Args)
                -> ::taipan_runtime::PyResult<::taipan_runtime::Value> {
                ::taipan_runtime::native::IntoResult::into_result(#ty::#ident(cx, args), cx)
            }
        });
    }
    let params: Vec<_> = function.sig.inputs.iter().skip(1).collect();
    let expected = signature.slots() + usize::from(signature.has_self || entry.role == Role::Class);
    if params.len() != expected {
        let message = format!("the signature has {expected} parameters, the function {}", params.len());
        return Err(syn::Error::new_spanned(&function.sig.ident, message));
    }
    let has_self = signature.has_self || entry.role == Role::Class;
    let mut names = Vec::new();
    let mut conversions = Vec::new();
    for (i, param) in params.iter().enumerate() {
        let FnArg::Typed(param) = param else { continue };
        let Pat::Ident(pat) = &*param.pat else {
            return Err(syn::Error::new_spanned(&param.pat, "a parameter must be a plain name"));
        };
        let (name, pty) = (format_ident!("arg_{}", pat.ident), &param.ty);
        if has_self && i == 0 {
            conversions.push(quote!(let #name = <#pty as ::taipan_runtime::native::FromSelf>::from_self(slots[0]);));
        } else {
            let slot = i - usize::from(has_self);
            conversions.push(quote! {
                let #name = <#pty as ::taipan_runtime::native::FromArg>::from_arg(cx, bound[#slot], &SPEC, #slot)?;
            });
        }
        names.push(name);
    }
    let (n, spec, py_name) = (signature.slots(), signature.spec(), &entry.name);
    let split = if has_self {
        quote! {
            let slots = args.values();
            let args = args.rest();
        }
    } else {
        quote!()
    };
    let bind = if has_self {
        quote!(::taipan_runtime::native::bind_method(cx, &SPEC, slots[0], args, &mut bound)?)
    } else {
        quote!(::taipan_runtime::native::bind(cx, &SPEC, args, &mut bound)?)
    };
    Ok(quote! {
        fn #wrapper(cx: &mut ::taipan_runtime::Cx, args: ::taipan_runtime::native::Args)
            -> ::taipan_runtime::PyResult<::taipan_runtime::Value> {
            static SPEC: ::taipan_runtime::native::ParamSpec = ::taipan_runtime::native::ParamSpec { name: #py_name, #spec };
            #split
            let mut bound: [::core::option::Option<::taipan_runtime::Value>; #n] = [None; #n];
            #bind;
            #(#conversions)*
            ::taipan_runtime::native::IntoResult::into_result(#ty::#ident(cx, #(#names),*), cx)
        }
    })
}
