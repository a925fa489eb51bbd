//! What is told in one interpreter of an exception in another.

use taipan_runtime::exceptions::Exception;
use taipan_runtime::heap::RootVec;
use taipan_runtime::protocol::import::import_attr;
use taipan_runtime::protocol::{attr, object};
use taipan_runtime::types::namespace::{self, NAMESPACE};
use taipan_runtime::types::str::Str;
use taipan_runtime::types::tuple::Tuple;
use taipan_runtime::{Args, Cx, PyResult, Value};

/// An exception as text.
pub struct Snapshot {
    name: String,
    qualname: String,
    module: String,
    message: Option<String>,
    /// The exception with its traceback and its causes as they are printed.
    display: Option<String>,
}

impl Snapshot {
    /// Of an exception of the current interpreter, which is not raised (any more). What goes wrong meanwhile is left out.
    pub fn of(cx: &mut Cx, exception: Value) -> Snapshot {
        let class = Value::of(exception.class());
        let text = |cx: &mut Cx, name: &str| {
            let found = attr::get_text(cx, class, name).ok().and_then(|v| v.downcast::<Str>());
            if cx.exception().is_some() {
                cx.take_exception();
            }
            found.map(|s| s.to_string_lossy()).unwrap_or_default()
        };
        let (name, qualname, module) = (text(cx, "__name__"), text(cx, "__qualname__"), text(cx, "__module__"));
        let message = quiet(cx, |cx| object::str(cx, exception).map(|s| s.to_string_lossy()));
        let display = quiet(cx, |cx| display(cx, exception));
        Snapshot { name, qualname, module, message, display }
    }

    /// `Type: message`.
    pub fn formatted(&self) -> String {
        let class = match &*self.module {
            "" | "builtins" | "__main__" => self.qualname.clone(),
            module => format!("{module}.{}", self.qualname),
        };
        match &self.message {
            Some(message) => format!("{class}: {message}"),
            None => class,
        }
    }

    /// How it is printed, at least its type and message.
    pub fn display(&self) -> String {
        self.display.clone().unwrap_or_else(|| self.formatted())
    }

    /// As a namespace of the current interpreter.
    pub fn namespace(&self, cx: &mut Cx) -> Value {
        cx.ready_type(&NAMESPACE);
        let mut texts = RootVec::new();
        for text in [Some(&self.name), Some(&self.qualname), Some(&self.module), self.message.as_ref()] {
            let text = text.map_or(Value::none(), |text| cx.str(text));
            texts.push(text);
        }
        let names = ["__name__", "__qualname__", "__module__"];
        let class: Vec<(&str, Value)> = names.into_iter().zip(texts.iter().copied()).collect();
        let class = namespace::new(cx, &class);
        let formatted = cx.str(&self.formatted());
        let display = self.display.as_ref().map_or(Value::none(), |text| cx.str(text));
        namespace::new(cx, &[("type", class), ("msg", texts[3]), ("formatted", formatted), ("errdisplay", display)])
    }
}

fn quiet<T>(cx: &mut Cx, f: impl FnOnce(&mut Cx) -> PyResult<T>) -> Option<T> {
    match f(cx) {
        Ok(value) => Some(value),
        Err(_) => {
            cx.take_exception();
            None
        }
    }
}

fn display(cx: &mut Cx, exception: Value) -> PyResult<String> {
    if exception.downcast::<Exception>().is_none() {
        return Ok(String::new());
    }
    let make = import_attr(cx, "traceback", "TracebackException")?;
    let names = ["save_exc_type", "lookup_lines"].map(|name| Value::of(cx.intern(name)));
    let names = Tuple::new(cx, &names);
    let make = attr::get_text(cx, make, "from_exception")?;
    let values = [exception, Value::bool(false), Value::bool(false)];
    let made = cx.call_args(make, Args::new(&values, Some(names)))?;
    let lines = cx.call_method_text(made, "format", &[])?;
    let empty = cx.str("");
    let text = cx.call_method_text(empty, "join", &[lines])?;
    let text = text.downcast::<Str>().map(|s| s.to_string_lossy()).unwrap_or_default();
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_string())
}
