//! Values are Jinja2 templates over the environment variables.

use minijinja::value::{Value, ValueKind};
use minijinja::{Environment as Jinja, Error, ErrorKind, State, UndefinedBehavior};

use super::environment::Environment;

/// So many steps a value may take: a loop in a loop would go on for days.
const FUEL: u64 = 200_000;

/// Renders values. An unknown variable is empty, as in the original.
pub(super) struct Templates {
    jinja: Jinja<'static>,
    variables: Value,
}

impl Templates {
    pub(super) fn new(environment: &Environment) -> Self {
        let mut jinja = Jinja::new();
        jinja.set_undefined_behavior(UndefinedBehavior::Lenient);
        jinja.set_fuel(Some(FUEL));
        jinja.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        jinja.set_formatter(write_as_python);
        jinja.set_unknown_method_callback(string_method);
        let variables = environment.iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
        Self { jinja, variables: Value::from_pairs(variables) }
    }

    /// One pass. The error is one line in words.
    pub(super) fn render(&self, text: &str) -> Result<String, String> {
        if !text.contains('{') {
            // Nothing to do, and by far the most frequent case.
            return Ok(text.strip_suffix('\n').unwrap_or(text).to_owned());
        }
        self.jinja.render_str(text, self.variables.clone()).map_err(|error| words(&error))
    }
}

fn words(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// Constants are printed as Python prints them.
fn write_as_python(
    out: &mut minijinja::Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let word = match value.kind() {
        ValueKind::Bool if value.is_true() => "True",
        ValueKind::Bool => "False",
        ValueKind::None => "None",
        _ => return minijinja::escape_formatter(out, state, value),
    };
    out.write_str(word).map_err(|_| ErrorKind::WriteFailure.into())
}

/// The methods of Python strings that are useful on environment variables.
fn string_method(_: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let unknown = || Error::new(ErrorKind::UnknownMethod, format!("no method named {method}"));
    let text = value.as_str().ok_or_else(unknown)?;
    let words: Option<Vec<&str>> = args.iter().map(Value::as_str).collect();
    let words = words.ok_or_else(unknown)?;
    let any_of = |c: char| words.first().map_or_else(|| super::pytext::is_space(c), |set| set.contains(c));
    let result = match (method, words.as_slice()) {
        ("upper", []) => text.to_uppercase().into(),
        ("lower", []) => text.to_lowercase().into(),
        ("strip", [] | [_]) => text.trim_matches(any_of).into(),
        ("lstrip", [] | [_]) => text.trim_start_matches(any_of).into(),
        ("rstrip", [] | [_]) => text.trim_end_matches(any_of).into(),
        ("startswith", [head]) => text.starts_with(head).into(),
        ("endswith", [tail]) => text.ends_with(tail).into(),
        ("replace", [old, new]) => text.replace(old, new).into(),
        ("split", []) => text.split_whitespace().map(Value::from).collect(),
        ("split", [by]) if !by.is_empty() => text.split(by).map(Value::from).collect(),
        _ => return Err(unknown()),
    };
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> Result<String, String> {
        let environment = [("NAME", "pp"), ("FOO", "1"), ("DIRS", "/a:/b")].into_iter().collect();
        Templates::new(&environment).render(text)
    }

    #[test]
    fn variables_statements_filters_and_methods() {
        let cases = [
            ("step.{{NAME}}.{{MISSING}}", "step.pp."),
            ("{% if FOO == \"1\" %}yes{% else %}no{% endif %}", "yes"),
            ("{{ NAME|upper }}{{ MISSING|default('d') }}{# c #}", "PPd"),
            ("{{ NAME.upper() }}{{ DIRS.split(':')[1] }}{{ NAME.endswith('p') }}", "PP/bTrue"),
            ("{% raw %}{{NAME}}{% endraw %}", "{{NAME}}"),
            ("100%", "100%"),
            ("[0-9]{2}", "[0-9]{2}"),
            ("{{ '<&>' }}", "<&>"),
        ];
        for (text, want) in cases {
            assert_eq!(render(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_jinja_refuses_is_refused() {
        for text in
            ["{{", "{{ 1/0 }}", "{{ a.b }}", "{% if %}", "{{ NAME.nonsense() }}", "{{ NAME|nonsense }}"]
        {
            assert!(render(text).is_err(), "{text}");
        }
    }
}
