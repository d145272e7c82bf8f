//! The options of a plugin: those keys of its watch that begin with its name and `_`, unshortened, as the old
//! program hands them over.

use model::text::{push_json_path, push_json_str};

use super::configobj::Value;
use super::rc::Watch;

/// A JSON object. A text is a string, a list a list of strings; a value that is not UTF-8 has its bytes in
/// `KEY_b64` besides.
#[must_use]
pub fn of(watch: &Watch, plugin: &str) -> String {
    let begin = format!("{plugin}_");
    let mut out = b"{".to_vec();
    for (key, _, value) in watch.keys.iter().filter(|(key, ..)| key.starts_with(begin.as_bytes())) {
        if out.len() > 1 {
            out.push(b',');
        }
        let key = String::from_utf8_lossy(key);
        match value {
            Value::Text(text) => push_json_path(&mut out, &key, text),
            Value::List(items) => {
                push_json_str(&mut out, &key);
                out.extend_from_slice(b":[");
                for (number, item) in items.iter().enumerate() {
                    out.extend_from_slice(if number > 0 { b"," } else { b"" });
                    push_json_str(&mut out, &String::from_utf8_lossy(item));
                }
                out.push(b']');
            }
        }
    }
    out.push(b'}');
    // It was put together of ASCII and of texts.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iobserver::Rc;

    fn options(keys: &[u8], plugin: &str) -> serde_json::Value {
        let rc = Rc::read(&[b"[watches]\n[[w]]\n", keys].concat()).unwrap();
        serde_json::from_str(&of(&rc.watches[0], plugin)).unwrap()
    }

    #[test]
    fn a_plugin_sees_its_own_keys_unshortened() {
        let keys =
            b"plugins = counter\ncounter_opt = 1\ncounterother = 2\ncounter_list = a, 'b, c'\n_x = 3\n";
        let wanted = serde_json::json!({"counter_opt": "1", "counter_list": ["a", "b, c"]});
        assert_eq!(options(keys, "counter"), wanted);
        assert_eq!(options(keys, "other"), serde_json::json!({}));
    }

    #[test]
    fn what_is_not_text_has_its_bytes_besides() {
        let wanted = serde_json::json!({"p_dir": "/x\u{fffd}", "p_dir_b64": "L3j/", "p_q": "\"\n\u{85}"});
        assert_eq!(options("p_q = '''\"\n\u{85}'''\n".as_bytes(), "p")["p_q"], wanted["p_q"]);
        assert_eq!(options(b"p_dir = /x\xff\n", "p")["p_dir_b64"], wanted["p_dir_b64"]);
    }
}
