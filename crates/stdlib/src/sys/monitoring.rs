//! The namespace `sys.monitoring`.

use taipan_macros::pymethods;
use taipan_runtime::dict::Dict;
use taipan_runtime::monitoring::{
    self, BRANCH, BRANCH_LEFT, BRANCH_RIGHT, C_RAISE, C_RETURN, CALL, EVENTS, LOCAL, TOOLS,
};
use taipan_runtime::types::code::CodeObject;
use taipan_runtime::types::module::Module;
use taipan_runtime::types::str::Str;
use taipan_runtime::{Cx, PyResult, Value, raise};

struct Functions;

/// Makes the namespace. May collect.
pub fn namespace(cx: &mut Cx) -> PyResult<Value> {
    let module = Module::new(cx, "sys.monitoring");
    module.add_functions(cx, Functions::METHODS);
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        module.set(cx, name, Value::small(id));
    }
    let (disable, missing) = (monitoring::disable(cx), monitoring::missing(cx));
    module.set(cx, "DISABLE", disable);
    module.set(cx, "MISSING", missing);
    let class = Value::of(&taipan_runtime::types::namespace::NAMESPACE);
    let events = cx.call(class, &[])?;
    for (name, bit) in EVENTS.iter().chain(&[("NO_EVENTS", 0)]) {
        let name = cx.intern(name);
        taipan_runtime::protocol::attr::set(cx, events, name, Some(Value::small(*bit as i64)))?;
    }
    module.set(cx, "events", events);
    Ok(Value::of(module))
}

fn valid_tool(cx: &mut Cx, tool: i32) -> PyResult<usize> {
    match usize::try_from(tool) {
        Ok(tool) if tool < TOOLS => Ok(tool),
        _ => raise!(cx, ValueError, "invalid tool {tool} (must be between 0 and 5)"),
    }
}

fn used_tool(cx: &mut Cx, tool: i32) -> PyResult<usize> {
    let tool = valid_tool(cx, tool)?;
    match monitoring::tool_name(cx, tool) {
        Some(_) => Ok(tool),
        None => raise!(cx, ValueError, "tool {tool} is not in use"),
    }
}

/// An event set as tools give it: C_RETURN and C_RAISE come with CALL, BRANCH means both ways.
fn event_set(cx: &mut Cx, events: i64) -> PyResult<u32> {
    const ALL: i64 = (1 << 19) - 1;
    if !(0..=ALL).contains(&events) {
        return raise!(cx, ValueError, "invalid event set 0x{events:x}");
    }
    let mut set = events as u32;
    if set & BRANCH != 0 {
        set = set & !BRANCH | BRANCH_LEFT | BRANCH_RIGHT;
    }
    let natives = C_RETURN | C_RAISE;
    if set & natives != 0 && set & CALL == 0 {
        return raise!(cx, ValueError, "cannot set C_RETURN or C_RAISE events independently");
    }
    Ok(set & !natives)
}

fn code_of(cx: &mut Cx, v: Value) -> PyResult<&'static CodeObject> {
    match v.downcast::<CodeObject>() {
        Some(code) => Ok(code),
        None => raise!(cx, TypeError, "code must be a code object"),
    }
}

#[pymethods]
impl Functions {
    #[py("($module, tool_id, name, /)")]
    fn use_tool_id(cx: &mut Cx, tool_id: i32, name: Value) -> PyResult<()> {
        let tool = valid_tool(cx, tool_id)?;
        if name.downcast::<Str>().is_none() {
            return raise!(cx, ValueError, "tool name must be a str");
        }
        if monitoring::tool_name(cx, tool).is_some() {
            return raise!(cx, ValueError, "tool {tool} is already in use");
        }
        monitoring::set_tool_name(cx, tool, name);
        Ok(())
    }

    #[py("($module, tool_id, /)")]
    fn clear_tool_id(cx: &mut Cx, tool_id: i32) -> PyResult<()> {
        let tool = valid_tool(cx, tool_id)?;
        if monitoring::tool_name(cx, tool).is_some() {
            monitoring::clear(cx, tool);
        }
        Ok(())
    }

    #[py("($module, tool_id, /)")]
    fn free_tool_id(cx: &mut Cx, tool_id: i32) -> PyResult<()> {
        let tool = valid_tool(cx, tool_id)?;
        if monitoring::tool_name(cx, tool).is_some() {
            monitoring::clear(cx, tool);
            monitoring::set_tool_name(cx, tool, Value::none());
        }
        Ok(())
    }

    #[py("($module, tool_id, /)")]
    fn get_tool(cx: &mut Cx, tool_id: i32) -> PyResult<Option<Value>> {
        let tool = valid_tool(cx, tool_id)?;
        Ok(monitoring::tool_name(cx, tool))
    }

    #[py("($module, tool_id, event, func, /)")]
    fn register_callback(cx: &mut Cx, tool_id: i32, event: i64, func: Value) -> PyResult<Value> {
        let tool = valid_tool(cx, tool_id)?;
        if event.count_ones() != 1 {
            return raise!(cx, ValueError, "The callback can only be set for one event at a time");
        }
        let bit = event.trailing_zeros() as usize;
        if bit >= EVENTS.len() {
            return raise!(cx, ValueError, "invalid event {event}");
        }
        super::audit(cx, "sys.monitoring.register_callback", &[func])?;
        if event as u32 == BRANCH {
            monitoring::set_callback(cx, tool, BRANCH_LEFT.trailing_zeros() as usize, func);
            monitoring::set_callback(cx, tool, BRANCH_RIGHT.trailing_zeros() as usize, func);
        }
        Ok(monitoring::set_callback(cx, tool, bit, func))
    }

    #[py("($module, tool_id, /)")]
    fn get_events(cx: &mut Cx, tool_id: i32) -> PyResult<i64> {
        let tool = used_tool(cx, tool_id)?;
        Ok(cx.rt().monitoring.global(tool) as i64)
    }

    #[py("($module, tool_id, event_set, /)")]
    fn set_events(cx: &mut Cx, tool_id: i32, event_set: i64) -> PyResult<()> {
        let tool = valid_tool(cx, tool_id)?;
        let set = self::event_set(cx, event_set)?;
        used_tool(cx, tool_id)?;
        monitoring::set_global(cx, tool, set);
        Ok(())
    }

    #[py("($module, tool_id, code, /)")]
    fn get_local_events(cx: &mut Cx, tool_id: i32, code: Value) -> PyResult<i64> {
        let code = code_of(cx, code)?;
        let tool = used_tool(cx, tool_id)?;
        Ok(cx.rt().monitoring.local(tool, code) as i64)
    }

    #[py("($module, tool_id, code, event_set, /)")]
    fn set_local_events(cx: &mut Cx, tool_id: i32, code: Value, event_set: i64) -> PyResult<()> {
        let code = code_of(cx, code)?;
        let tool = valid_tool(cx, tool_id)?;
        let set = self::event_set(cx, event_set)?;
        if set & !LOCAL != 0 {
            return raise!(cx, ValueError, "invalid local event set 0x{set:x}");
        }
        used_tool(cx, tool_id)?;
        monitoring::set_local(cx, tool, code, set);
        Ok(())
    }

    #[py("($module, /)")]
    fn restart_events(cx: &mut Cx) {
        cx.rt().monitoring.restart();
    }

    #[py("($module, /)")]
    fn _all_events(cx: &mut Cx) -> &'static Dict {
        let dict = Dict::new(cx);
        for (name, bit) in EVENTS {
            let state = &cx.rt().monitoring;
            let tools = (0..TOOLS).filter(|tool| state.global(*tool) & bit != 0).fold(0, |set, tool| set | 1 << tool);
            if tools != 0 {
                let name = cx.intern(name);
                dict.set_str(cx, name, Value::small(tools));
            }
        }
        dict
    }
}
