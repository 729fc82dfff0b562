//! Where the drop-in keeps documents, and how they are read past it.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Map, Value};

/// A store of the drop-in.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// The folder `store` beside the files of the case.
    Folder,
}

impl Store {
    /// What names it to the drop-in.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        match self {
            Self::Folder => [("CICDSTATEMGR_LOCAL_DIR".to_owned(), "store".to_owned())].into(),
        }
    }

    /// All documents, by ID.
    pub(crate) async fn documents(&self, folder: &Path) -> Value {
        match self {
            Self::Folder => in_folder(&folder.join("store")),
        }
    }
}

fn in_folder(folder: &Path) -> Value {
    let mut all = Map::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let mut stored: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let id = stored["cicdContextDataId"].as_str().unwrap().to_owned();
        all.insert(id, stored["document"].take());
    }
    Value::Object(all)
}
