//! Reading a file of TOML by its type, and the schema that editors get for it: what they accept and
//! what is read cannot drift apart.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::DeTable;

use super::fault::Fault;
use super::keys;

/// Reads the text of `file`.
///
/// # Errors
/// Every mistake that can be told at once, in the order of the text: no TOML, an unknown or missing
/// key, a value that is none.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(
    file: &str,
    text: &str,
    title: &str,
) -> Result<T, Vec<Fault>> {
    let fault = |(at, message): keys::Mistake| Fault::at(file, text, at, message);
    let not_read = |error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        vec![fault((at, error.message().trim().replace('\n', ", ")))]
    };
    let table = DeTable::parse(text).map_err(not_read)?;
    let wrong = keys::mistakes(&table, &schema_value::<T>(title));
    if !wrong.is_empty() {
        return Err(wrong.into_iter().map(fault).collect());
    }
    toml::from_str(text).map_err(not_read)
}

/// The JSON Schema (draft 7, which editors' TOML plugins read) of a file.
#[must_use]
pub(crate) fn schema<T: JsonSchema>(title: &str) -> String {
    let mut text = serde_json::to_string_pretty(&schema_value::<T>(title)).unwrap_or_default();
    text.push('\n');
    text
}

fn schema_value<T: JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let mut value = schema.to_value();
    without_null(&mut value);
    value
}

/// TOML knows no null: what may be absent is left out. Texts lose the line ends of the source.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| key != "default" || !value.is_null());
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(kind) = map.get_mut("type")
                && let Some([one, Value::String(null)]) = kind.as_array().map(Vec::as_slice)
                && null == "null"
            {
                *kind = one.clone();
            }
            if let Some(Value::Array(any)) = map.get("anyOf")
                && let [Value::Object(one), other] = &any[..]
                && other.get("type").and_then(Value::as_str) == Some("null")
            {
                let one = one.clone();
                map.remove("anyOf");
                for (key, value) in one {
                    map.entry(key).or_insert(value);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
