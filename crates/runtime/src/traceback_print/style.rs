//! Colours of tracebacks (the default theme).

/// Escape sequences around the parts of a traceback, all empty without colours, and whether there are carets.
#[derive(Clone, Copy)]
pub struct Style {
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) file: &'static str,
    pub(super) line: &'static str,
    pub(super) frame: &'static str,
    pub(super) highlight: &'static str,
    pub(super) range: &'static str,
    pub(super) reset: &'static str,
    pub(super) carets: bool,
}

impl Style {
    /// No colours.
    pub const PLAIN: Style = Style {
        kind: "",
        message: "",
        file: "",
        line: "",
        frame: "",
        highlight: "",
        range: "",
        reset: "",
        carets: true,
    };

    /// What is printed where the library's `traceback` fails: neither colours nor carets.
    pub const BARE: Style = Style { carets: false, ..Style::PLAIN };

    /// CPython's default colours.
    pub const COLOURED: Style = Style {
        kind: "\x1b[1;35m",
        message: "\x1b[35m",
        file: "\x1b[35m",
        line: "\x1b[35m",
        frame: "\x1b[35m",
        highlight: "\x1b[1;31m",
        range: "\x1b[31m",
        reset: "\x1b[0m",
        carets: true,
    };

    /// The style for standard error: coloured on a terminal, unless the environment says otherwise. `isolated` ignores
    /// Python's own variables (`-E`).
    pub fn for_stderr(isolated: bool) -> Style {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
        let python = std::env::var("PYTHON_COLORS").ok().filter(|_| !isolated);
        let coloured = match python.as_deref() {
            Some("0") => false,
            Some("1") => true,
            _ if set("NO_COLOR").is_some() => false,
            _ if set("FORCE_COLOR").is_some() => true,
            _ if set("TERM").is_some_and(|t| t == "dumb") => false,
            // SAFETY: asks about a file descriptor only.
            _ => unsafe { libc::isatty(2) == 1 },
        };
        if coloured { Style::COLOURED } else { Style::PLAIN }
    }

    pub(super) fn is_coloured(&self) -> bool {
        !self.reset.is_empty()
    }
}
