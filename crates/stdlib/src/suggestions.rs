//! `_suggestions`: what `traceback` proposes for misspelt names.

use taipan_macros::pymethods;
use taipan_runtime::types::list::List;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, exceptions, raise};

struct Suggestions;

#[pymethods]
impl Suggestions {
    /// Returns the candidate in candidates that's closest to item
    #[py("($module, candidates, item, /)")]
    fn _generate_suggestions(cx: &mut Cx, candidates: Value, item: &'static Str) -> PyResult<Option<Value>> {
        let Some(list) = candidates.exact::<List>() else {
            return raise!(cx, TypeError, "candidates must be a list");
        };
        let mut names = Vec::new();
        for candidate in list.items() {
            let Some(name) = candidate.downcast::<Str>() else {
                return raise!(cx, TypeError, "all elements in 'candidates' must be strings");
            };
            names.push(name.to_string_lossy());
        }
        let names: Vec<&str> = names.iter().map(|n| n.as_str()).collect();
        let best = exceptions::suggestion(&item.to_string_lossy(), &names);
        Ok(best.map(|b| cx.str(b)))
    }
}

/// Makes the module. May collect.
pub fn init(cx: &mut Cx) -> &'static Module {
    crate::make(cx, "_suggestions", "Provides fast suggestions for misspelt names.", Suggestions::METHODS)
}
