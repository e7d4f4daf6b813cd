//! The fields of a session type: their names, their forms, and how a text becomes a value.

use serde_json::{Map, Value as Json};

use crate::model::duration;

/// How a field's text is read and kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// A duration, kept as a number of seconds.
    Duration,
    /// A file whose content is kept.
    File,
    /// Several texts; the flag is repeated.
    List,
    /// Several `KEY=VALUE`; the flag is repeated.
    Pairs,
    /// One text.
    Text,
}

/// One field of a session type.
#[derive(Debug)]
pub struct Field {
    /// The name in the workspace: `role_arn`.
    pub key: &'static str,
    /// The long flag: `role-arn`.
    pub flag: &'static str,
    /// What a prompt calls it.
    pub label: &'static str,
    /// The flag's help, a fragment.
    pub help: &'static str,
    /// What stands for the flag's value in help.
    pub value_name: &'static str,
    /// How its text is read.
    pub form: Form,
    /// Whether a session cannot be without it.
    pub required: bool,
    /// Checks one text; the error is a fragment that follows the text.
    pub check: fn(&str) -> Result<(), String>,
}

impl Field {
    /// The value to keep for what was given; `Null` removes the field.
    ///
    /// An empty text, alone, removes it. For [`Form::File`] the texts are the file's content.
    pub fn value(&self, texts: &[String]) -> Result<Json, FieldError> {
        if texts.iter().all(String::is_empty) {
            return if self.required {
                Err(self.refuse("it cannot be empty"))
            } else {
                Ok(Json::Null)
            };
        }
        for text in texts {
            (self.check)(text).map_err(|problem| self.refuse(&problem))?;
        }
        match self.form {
            Form::Duration => {
                let seconds = texts.last().map(|text| duration::parse(text));
                let seconds = seconds.unwrap_or(Ok(0)).map_err(|e| self.refuse(&e.to_string()))?;
                Ok(seconds.into())
            }
            Form::File | Form::Text => Ok(texts.last().cloned().into()),
            Form::List => Ok(texts.to_vec().into()),
            Form::Pairs => self.pairs(texts),
        }
    }

    fn pairs(&self, texts: &[String]) -> Result<Json, FieldError> {
        let mut pairs = Map::new();
        for text in texts {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            if pairs.insert(key.to_owned(), value.into()).is_some() {
                return Err(self.refuse(&format!("{key:?} is given twice")));
            }
        }
        Ok(pairs.into())
    }

    /// The error that this field's value is refused.
    pub fn refuse(&self, problem: &str) -> FieldError {
        FieldError { flag: self.flag.to_owned(), problem: problem.to_owned() }
    }
}

/// A field's value is not as it must be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("--{flag}: {problem}")]
pub struct FieldError {
    /// The field's flag.
    pub flag: String,
    /// What is wrong with its value.
    pub problem: String,
}

/// A field's text, where it has one.
pub fn text<'a>(fields: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    fields.get(key).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// A field's number of seconds.
pub fn seconds(fields: &Map<String, Json>, key: &str) -> Option<u32> {
    fields.get(key).and_then(Json::as_u64).and_then(|number| u32::try_from(number).ok())
}

/// A field's texts.
pub fn list(fields: &Map<String, Json>, key: &str) -> Vec<String> {
    let texts = fields.get(key).and_then(Json::as_array).into_iter().flatten();
    texts.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// A field's pairs, in the order of their keys.
pub fn pairs(fields: &Map<String, Json>, key: &str) -> Vec<(String, String)> {
    let pairs = fields.get(key).and_then(Json::as_object).into_iter().flatten();
    pairs.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}
