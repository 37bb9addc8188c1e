//! The configuration tree: one typed struct, file < `LIANFANG_*` environment < flags; unknown keys are refused.
//!
//! The environment names a key by its path with two underscores: `LIANFANG_STORE__URL` is `store.url`.
//! Names without two underscores (`LIANFANG_URL`, `LIANFANG_TOKEN_FILE`) belong to client commands and are left alone.

use std::path::Path;

use base::{Code, Coded, Problem};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

base::codes! {
    /// The configuration does not fit.
    pub BAD_CONFIG = "LF-RUN-0001", 500,
        en "The configuration is not valid.", zh "設定檔內容無效。",
        act_en "Correct the named key; `lianfang config docs` lists every key with its default.", act_zh "請更正所指的設定鍵；`lianfang config docs` 會列出所有設定鍵與預設值。";
    /// The configuration file cannot be read.
    pub NO_CONFIG = "LF-RUN-0002", 500,
        en "The configuration file cannot be read.", zh "無法讀取設定檔。",
        act_en "Check the path and its permissions.", act_zh "請檢查路徑與檔案權限。";
}

/// Why the configuration was refused; the program ends with exit code 78.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// The reason.
        why: String,
    },
    /// A key is unknown or a value does not fit.
    #[error("{source_name}: {why}")]
    Invalid {
        /// File name, environment variable or flag.
        source_name: String,
        /// Key, reason and where possible line and column.
        why: String,
    },
}

impl Coded for ConfigError {
    fn problem(&self) -> Problem {
        let code: &'static Code = match self {
            Self::Unreadable { .. } => &NO_CONFIG,
            Self::Invalid { .. } => &BAD_CONFIG,
        };
        Problem::new(code, self.to_string())
    }
}

/// Reads the tree: defaults, then the file, then the environment pairs, then flags (`path.to.key`, value).
///
/// # Errors
/// [`ConfigError`] names the source, the key and the reason.
pub fn load_config<T>(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<T, ConfigError>
where
    T: DeserializeOwned + Default,
{
    let mut tree = Table::new();
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { file: name.clone(), why: error.to_string() })?;
        // The file alone is checked first: only here the parser knows line and column.
        toml::from_str::<T>(&text)
            .map_err(|error| ConfigError::Invalid { source_name: name.clone(), why: error.to_string() })?;
        tree = toml::from_str(&text)
            .map_err(|error| ConfigError::Invalid { source_name: name, why: error.to_string() })?;
    }
    let from_environment = environment.into_iter().filter_map(|(name, value)| {
        let path = name.strip_prefix("LIANFANG_")?;
        path.contains("__").then(|| (name.clone(), path.to_ascii_lowercase().replace("__", "."), value))
    });
    let from_flags = flags.iter().map(|(path, value)| (format!("flag for {path}"), path.clone(), value.clone()));
    for (source_name, path, value) in from_environment.chain(from_flags) {
        set(&mut tree, &path, scalar(&value));
        // Checked after each, so that the message names the one source that is wrong.
        tree.clone()
            .try_into::<T>()
            .map_err(|error| ConfigError::Invalid { source_name, why: format!("{path}: {error}") })?;
    }
    tree.try_into::<T>()
        .map_err(|error| ConfigError::Invalid { source_name: "configuration".to_owned(), why: error.to_string() })
}

/// A value as TOML would read it; what TOML cannot read is a string.
fn scalar(text: &str) -> Value {
    toml::from_str::<Table>(&format!("v = {text}"))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(tree: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            tree.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let branch = tree.entry(head.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if !branch.is_table() {
                *branch = Value::Table(Table::new());
            }
            if let Value::Table(inner) = branch {
                set(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Default, Serialize, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Tree {
        listen: String,
        store: Branch,
    }

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    #[serde(default, deny_unknown_fields)]
    struct Branch {
        url: String,
        readers: u32,
    }

    impl Default for Branch {
        fn default() -> Self {
            Self { url: "sqlite".to_owned(), readers: 2 }
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn file_then_environment_then_flags() {
        let file = file("listen = 'a'\n[store]\nreaders = 3\n");
        let environment =
            [pair("LIANFANG_STORE__READERS", "4"), pair("LIANFANG_URL", "x"), pair("LIANFANG_LISTEN__", "z")];
        let tree: Tree =
            load_config(Some(file.path()), environment.into_iter().take(2), &[pair("listen", "b:1")]).unwrap();
        assert_eq!(tree, Tree { listen: "b:1".into(), store: Branch { url: "sqlite".into(), readers: 4 } });
    }

    #[test]
    fn wrong_key_is_named_with_its_line() {
        let file = file("listen = 'a'\n[store]\nreadres = 3\n");
        let error = load_config::<Tree>(Some(file.path()), [], &[]).unwrap_err().to_string();
        assert!(error.contains("readres") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn wrong_environment_names_the_variable() {
        let error = load_config::<Tree>(None, [pair("LIANFANG_STORE__READERS", "many")], &[]).unwrap_err().to_string();
        assert!(error.contains("LIANFANG_STORE__READERS"), "{error}");
    }
}
