//! `_types`: names of built-in types.

use taipan_runtime::typeobj::Type;
use taipan_runtime::types::module::{MODULE, Module};
use taipan_runtime::types::{
    capsule, cell, code_methods, descr_methods, frame, function_methods, generator, generic_alias, mappingproxy,
    namespace, singletons, traceback, union,
};
use taipan_runtime::{Cx, Value};

/// Makes the module.
pub fn init(cx: &mut Cx) -> &'static Module {
    let module = crate::make(cx, "_types", "Define names for built-in types.", &[]);
    let types: [(&str, &'static Type); 27] = [
        ("AsyncGeneratorType", &generator::ASYNC_GENERATOR),
        ("BuiltinFunctionType", &descr_methods::NATIVE_FUNCTION),
        ("BuiltinMethodType", &descr_methods::NATIVE_FUNCTION),
        ("CapsuleType", &capsule::CAPSULE),
        ("CellType", &cell::CELL),
        ("ClassMethodDescriptorType", &descr_methods::CLASS_METHOD_DESCR),
        ("CodeType", &code_methods::CODE),
        ("CoroutineType", &generator::COROUTINE),
        ("EllipsisType", &singletons::ELLIPSIS_TYPE),
        ("FrameType", &frame::FRAME),
        ("FunctionType", &function_methods::FUNCTION),
        ("GeneratorType", &generator::GENERATOR),
        ("GenericAlias", &generic_alias::GENERIC_ALIAS),
        ("GetSetDescriptorType", &descr_methods::GETSET),
        ("LambdaType", &function_methods::FUNCTION),
        ("MappingProxyType", &mappingproxy::MAPPING_PROXY),
        ("MemberDescriptorType", &descr_methods::MEMBER),
        ("MethodDescriptorType", &descr_methods::METHOD_DESCR),
        ("MethodType", &function_methods::METHOD),
        ("MethodWrapperType", &descr_methods::METHOD_WRAPPER),
        ("ModuleType", &MODULE),
        ("NoneType", &singletons::NONE_TYPE),
        ("NotImplementedType", &singletons::NOT_IMPLEMENTED_TYPE),
        ("SimpleNamespace", &namespace::NAMESPACE),
        ("TracebackType", &traceback::TRACEBACK),
        ("UnionType", &union::UNION),
        ("WrapperDescriptorType", &descr_methods::SLOT_WRAPPER),
    ];
    for (name, class) in types {
        module.set(cx, name, Value::of(class));
    }
    module
}
