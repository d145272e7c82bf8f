//! The bodies that are not metadata.

use crate::items::ItemKind;
use crate::json;

/// How the services' rclone logs in to the host of the watched directory.
#[derive(Debug, Clone, Copy)]
pub struct SftpRemote<'a> {
    /// The name of the remote, which is the name of the source storage.
    pub name: &'a str,
    /// The host, as the services reach it.
    pub host: &'a str,
    /// Who logs in.
    pub user: &'a str,
}

/// Where the services keep their own key; the original has no way to say otherwise.
const KEY_FILE: &str = "/root/.ssh/id_rsa";

impl SftpRemote<'_> {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut parameters = String::from("{");
        json::push_member(&mut parameters, "host", &json::string(self.host));
        json::push_member(&mut parameters, "key_file", &json::string(KEY_FILE));
        json::push_member(&mut parameters, "shell_type", "\"unix\"");
        json::push_member(&mut parameters, "type", "\"sftp\"");
        json::push_member(&mut parameters, "user", &json::string(self.user));
        parameters.push('}');
        let mut out = String::from("{");
        json::push_member(&mut out, "name", &json::string(self.name));
        json::push_member(&mut out, "type", "\"sftp\"");
        json::push_member(&mut out, "parameters", &parameters);
        out.push('}');
        out.into_bytes()
    }
}

/// The row for a copy that comes to the target storage with the copy of its parent.
#[derive(Debug, Clone, Copy)]
pub struct TargetCopy<'a> {
    /// The item's name, which is also its place below the storage's root.
    pub item_name: &'a str,
    /// What it is.
    pub item_type: ItemKind,
    /// The object id of the registered item. The original sends `null` if it could not learn it.
    pub oid: Option<&'a str>,
    /// The id of the target storage.
    pub storage_id: &'a str,
    /// The phase of the target storage.
    pub uid_phase: &'a str,
    /// When the copy expires: local time without zone, microseconds. The original sends one only for the
    /// target `dlm-archive`.
    pub uid_expiration: Option<&'a str>,
    /// The size in bytes.
    pub decompressed_size: Option<u64>,
}

impl TargetCopy<'_> {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut out = String::from("{");
        let mut member = |key: &str, value: &str| json::push_member(&mut out, key, value);
        let name = json::string(self.item_name);
        member("item_name", &name);
        member("oid", &or_null(self.oid));
        member("storage_id", &json::string(self.storage_id));
        member("uid_phase", &json::string(self.uid_phase));
        member("uri", &name);
        member("target_phase", "\"SOLID\"");
        member("item_type", &json::string(self.item_type.as_str()));
        member("item_state", "\"READY\"");
        member("item_owner", "\"SKA\"");
        member("uid_expiration", &or_null(self.uid_expiration));
        member("item_size", "null");
        member(
            "decompressed_size",
            &self.decompressed_size.map_or("null".to_owned(), |size| size.to_string()),
        );
        out.push('}');
        out.into_bytes()
    }
}

fn or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json::string)
}
