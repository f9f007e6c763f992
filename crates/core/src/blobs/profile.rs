//! The files in which AWS's own tools keep credentials and region.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the files say of one profile. Profiles that ask somebody else for credentials are not followed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<String>,
    pub(super) session_token: Option<String>,
    pub(super) region: Option<String>,
}

impl Profile {
    /// The profile that the environment names, else the default one; empty where there are no files.
    pub(super) fn read(environment: &BTreeMap<String, String>) -> Self {
        let file = |variable: &str, name: &str| {
            let named = environment.get(variable).map(PathBuf::from);
            let usual = || environment.get("HOME").map(|home| PathBuf::from(home).join(".aws").join(name));
            let path = named.or_else(usual)?;
            std::fs::read_to_string(path).ok()
        };
        let wanted = environment.get("AWS_PROFILE").map_or("default", String::as_str);
        let mut profile = Self::default();
        for text in [file("AWS_CONFIG_FILE", "config"), file("AWS_SHARED_CREDENTIALS_FILE", "credentials")] {
            profile.add(text.as_deref().unwrap_or_default(), wanted);
        }
        profile
    }

    fn add(&mut self, text: &str, wanted: &str) {
        let mut within = false;
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                let name = section.trim();
                within = name.strip_prefix("profile ").unwrap_or(name).trim() == wanted;
                continue;
            }
            let Some((key, value)) = line.split_once('=').filter(|_| within) else { continue };
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match key.trim() {
                "aws_access_key_id" => self.access_key_id = value,
                "aws_secret_access_key" => self.secret_access_key = value,
                "aws_session_token" => self.session_token = value,
                "region" => self.region = value,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_named_profile_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let aws = folder.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("config"), "[default]\nregion = a\n[profile work]\n# region = x\nregion=b\n")
            .unwrap();
        std::fs::write(
            aws.join("credentials"),
            "[default]\naws_access_key_id = one\n\n[work]\naws_access_key_id = two\naws_secret_access_key = a=b\n",
        )
        .unwrap();
        let home = ("HOME".to_owned(), folder.path().display().to_string());
        let default = Profile::read(&BTreeMap::from([home.clone()]));
        assert_eq!(default.region.as_deref(), Some("a"));
        assert_eq!(default.access_key_id.as_deref(), Some("one"));
        let work = Profile::read(&BTreeMap::from([home, ("AWS_PROFILE".to_owned(), "work".to_owned())]));
        assert_eq!(work.region.as_deref(), Some("b"));
        assert_eq!(work.secret_access_key.as_deref(), Some("a=b"));
        assert_eq!(Profile::read(&BTreeMap::new()), Profile::default());
    }
}
