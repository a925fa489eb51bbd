//! The notation of `grammar.txt`, compiled once to a small tree.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::grammar_parts::{interpolated, parameters};

/// A piece of a rule.
#[derive(Debug)]
pub(crate) enum Node {
    /// A token with this text: operator or hard keyword.
    Literal(&'static str),
    /// A name with this text.
    Soft(&'static str),
    /// A token kind or check, by name.
    Class(&'static str),
    Rule(usize),
    Group(Vec<Vec<Node>>),
    Optional(Box<Node>),
    Star(Box<Node>),
    Plus(Box<Node>),
    Separated(Box<Node>, Box<Node>),
    And(Box<Node>),
    Not(Box<Node>),
    /// A token that must follow.
    Forced(&'static str),
    Capture(u8, Box<Node>),
    Cut,
}

/// What an error alternative does when it matches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Action {
    /// `loc`, `range`, `from`, `last`, `next`, `indent`, `do`.
    pub verb: &'static str,
    /// Message, or what to do.
    pub text: &'static str,
}

#[derive(Debug)]
pub(crate) struct Alternative {
    pub choices: Vec<Vec<Node>>,
    pub action: Option<Action>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub memo: bool,
    /// Switches error alternatives off while it is tried.
    pub without_errors: bool,
    pub alternatives: Vec<Alternative>,
}

pub(crate) struct Grammar {
    pub rules: Vec<Rule>,
    names: HashMap<&'static str, usize>,
}

impl Grammar {
    /// The grammar of Python.
    pub fn python() -> &'static Grammar {
        static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
        GRAMMAR.get_or_init(|| {
            let parameters = format!("{}{}", parameters(false), parameters(true));
            let strings = format!("{}{}", interpolated('f'), interpolated('t'));
            let text = include_str!("grammar.txt").replace("{params}", &parameters).replace("{interpolated}", &strings);
            compile(Box::leak(text.into_boxed_str()))
        })
    }

    /// Number of a rule.
    pub fn rule(&self, name: &str) -> usize {
        self.names[name]
    }
}

fn compile(text: &'static str) -> Grammar {
    let header = |line: &'static str| line.strip_suffix(':').filter(|name| !name.contains(' '));
    let names: Vec<&'static str> = text.lines().filter_map(header).collect();
    let numbers: HashMap<&'static str, usize> =
        names.iter().enumerate().map(|(number, name)| (name.trim_end_matches('!'), number)).collect();
    let mut rules: Vec<Rule> = names
        .iter()
        .map(|name| Rule {
            memo: name.ends_with('!'),
            without_errors: name.ends_with("without_invalid"),
            alternatives: Vec::new(),
        })
        .collect();
    let mut current = 0;
    for line in text.lines() {
        if let Some(name) = header(line) {
            current = numbers[name.trim_end_matches('!')];
        } else if let Some(body) = line.strip_prefix(" | ") {
            let choices = Parser { rest: body, rules: &numbers }.choices();
            rules[current].alternatives.push(Alternative { choices, action: None });
        } else if let Some(body) = line.strip_prefix(" @ ") {
            let (body, action) = body.split_once(" => ").unwrap_or_else(|| panic!("no action: {line}"));
            let choices = Parser { rest: body, rules: &numbers }.choices();
            let (verb, mut text) = action.split_once(' ').expect("an action has a text");
            let operands = match verb {
                "range" => 2,
                "loc" | "from" | "indent" => 1,
                _ => 0,
            };
            text = &text[operands * 2..];
            rules[current].alternatives.push(Alternative { choices, action: Some(Action { verb, text }) });
        }
    }
    Grammar { rules, names: numbers }
}

struct Parser<'g> {
    rest: &'static str,
    rules: &'g HashMap<&'static str, usize>,
}

impl Parser<'_> {
    fn choices(&mut self) -> Vec<Vec<Node>> {
        let mut choices = vec![Vec::new()];
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                return choices;
            }
            if self.eat("/ ") {
                choices.push(Vec::new());
            } else {
                let node = self.item();
                choices.last_mut().expect("not empty").push(node);
            }
        }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn item(&mut self) -> Node {
        if self.eat("~") {
            return Node::Cut;
        }
        if self.eat("&&") {
            let Node::Literal(text) = self.atom() else { panic!("&& needs a literal") };
            return Node::Forced(text);
        }
        if self.eat("&") {
            return Node::And(Box::new(self.atom()));
        }
        if self.eat("!") {
            return Node::Not(Box::new(self.atom()));
        }
        let bytes = self.rest.as_bytes();
        if bytes.len() > 2 && bytes[1] == b'=' && bytes[0].is_ascii_lowercase() {
            self.rest = &self.rest[2..];
            return Node::Capture(bytes[0], Box::new(self.item()));
        }
        let atom = self.atom();
        if self.eat("%") {
            let item = self.atom();
            return Node::Separated(Box::new(atom), Box::new(item));
        }
        if self.eat("?") {
            return Node::Optional(Box::new(atom));
        }
        if self.eat("*") {
            return Node::Star(Box::new(atom));
        }
        if self.eat("+") {
            return Node::Plus(Box::new(atom));
        }
        atom
    }

    fn atom(&mut self) -> Node {
        if self.eat("(") {
            let choices = self.choices();
            assert!(self.eat(")"), "unclosed group");
            return Node::Group(choices);
        }
        for (quote, soft) in [("'", false), ("\"", true)] {
            if self.eat(quote) {
                let (text, rest) = self.rest.split_once(quote).expect("closed quote");
                self.rest = rest;
                return if soft { Node::Soft(text) } else { Node::Literal(text) };
            }
        }
        let len = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(len);
        self.rest = rest;
        assert!(!name.is_empty(), "cannot read the grammar at {rest:?}");
        if name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Node::Class(name);
        }
        Node::Rule(*self.rules.get(name).unwrap_or_else(|| panic!("no rule {name}")))
    }
}
