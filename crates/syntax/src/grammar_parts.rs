//! Parts of the grammar that occur twice: parameters of functions and lambdas, f-strings and t-strings.

/// Rules for the parameters of functions (`prefix` empty) and lambdas.
pub(crate) fn parameters(is_lambda: bool) -> String {
    let (end, title, rule) = if is_lambda { ("':'", "Lambda expression", "lambda_") } else { ("')'", "Function", "") };
    let param = if is_lambda { "NAME" } else { "NAME (':' expression)?" };
    let star_annotated =
        if is_lambda { "" } else { " | '*' NAME ':' star_expression (',' / &END) PARAM_maybe_default* PARAM_kwds?\n" };
    let template = "
PARAM_params:
 @ a='/' ',' => loc a at least one argument must precede /
 @ (PARAM_slash_no_default / PARAM_slash_with_default) PARAM_maybe_default* a='/' => loc a / may appear only once
 @ PARAM_slash_no_default? PARAM_no_default* (PARAM_slash_with_default / PARAM_with_default+) a=PARAM_no_default_name => loc a parameter without a default follows parameter with a default
 @ PARAM_no_default* a='(' OPEN_LIST ','? b=')' => range a b TITLE parameters cannot be parenthesized
 @ (PARAM_slash_no_default / PARAM_slash_with_default)? PARAM_maybe_default* '*' (',' / PARAM_no_default) PARAM_maybe_default* a='/' => loc a / must be ahead of *
 @ PARAM_maybe_default+ '/' a='*' => loc a expected comma between / and *
 | PARAM_slash_no_default PARAM_no_default* PARAM_with_default* PARAM_star_etc?
 | PARAM_slash_with_default PARAM_with_default* PARAM_star_etc?
 | PARAM_no_default+ PARAM_with_default* PARAM_star_etc?
 | PARAM_with_default+ PARAM_star_etc?
 | PARAM_star_etc
PARAM_slash_no_default:
 | PARAM_no_default+ '/' (',' / &END)
PARAM_slash_with_default:
 | PARAM_no_default* PARAM_with_default+ '/' (',' / &END)
PARAM_star_etc:
 @ a='*' (END / ',' (END / '**')) => BARE named arguments must follow bare *
 @ '*' PARAM_one a='=' => loc a var-positional argument cannot have default value
 @ '*' (PARAM_no_default / ',') PARAM_maybe_default* a='*' (PARAM_no_default / ',') => loc a * argument may appear only once
 | '*' PARAM_no_default PARAM_maybe_default* PARAM_kwds?
STAR_ANNOTATED | '*' ',' PARAM_maybe_default+ PARAM_kwds?
 | PARAM_kwds
PARAM_kwds:
 @ '**' PARAM_one a='=' => loc a var-keyword argument cannot have default value
 @ '**' PARAM_one ',' a=PARAM_one => loc a arguments cannot follow var-keyword argument
 @ '**' PARAM_one ',' a=('*' / '**' / '/') => loc a arguments cannot follow var-keyword argument
 | '**' PARAM_no_default
PARAM_no_default:
 | PARAM_one ',' / PARAM_one &END
PARAM_no_default_name:
 | PARAM_one &(',' / END)
PARAM_with_default:
 | PARAM_one PARAM_default (',' / &END)
PARAM_maybe_default:
 | PARAM_one PARAM_default? (',' / &END)
PARAM_default:
 | '=' expression
 @ a='=' &(END / ',') => loc a expected default value expression
PARAM_one:
 | NAME_ONE
";
    let list = if is_lambda { "','%NAME" } else { "PARAM_no_default+" };
    template
        .replace("STAR_ANNOTATED", star_annotated)
        .replace("OPEN_LIST", list)
        .replace("PARAM_params", &format!("{rule}params"))
        .replace("PARAM_", &format!("{rule}param_"))
        .replace("NAME_ONE", param)
        .replace("TITLE", title)
        .replace("BARE", if is_lambda { "last" } else { "loc a" })
        .replace("END", end)
}

/// Rules for f-strings or t-strings.
pub(crate) fn interpolated(letter: char) -> String {
    let template = "
Xstring:
 | XSTART Xmiddle* XEND
Xmiddle:
 | Xfield
 | XMIDDLE
Xfield:
 | '{' annotated_rhs '='? Xconversion? Xspec? '}'
 @ '{' a='=' => loc a %f: valid expression required before '='
 @ '{' a='!' => loc a %f: valid expression required before '!'
 @ '{' a=':' => loc a %f: valid expression required before ':'
 @ '{' a='}' => loc a %f: valid expression required before '}'
 @ '{' !annotated_rhs => next %f: expecting a valid expression after '{'
 @ '{' annotated_rhs !('=' / '!' / ':' / '}') => next %f: expecting '=', or '!', or ':', or '}'
 @ '{' annotated_rhs '=' !('!' / ':' / '}') => next %f: expecting '!', or ':', or '}'
 @ '{' annotated_rhs '='? '!' &(':' / '}') => next %f: missing conversion character
 @ '{' annotated_rhs '='? '!' !NAME => next %f: invalid conversion character
 @ '{' annotated_rhs '='? ('!' NAME)? !(':' / '}') => next %f: expecting ':' or '}'
 @ '{' annotated_rhs '='? ('!' NAME)? ':' Xspec_part* !'}' => next %f: expecting '}', or format specs
 @ '{' annotated_rhs '='? ('!' NAME)? !'}' => next %f: expecting '}'
Xconversion:
 | '!' NAME CONVERSION
Xspec:
 | ':' Xspec_part*
Xspec_part:
 | XMIDDLE
 | Xfield
";
    let upper = letter.to_ascii_uppercase();
    template
        .replace("XSTART", &format!("{upper}START"))
        .replace("XMIDDLE", &format!("{upper}MIDDLE"))
        .replace("XEND", &format!("{upper}END"))
        .replace('X', &letter.to_string())
}
