//! Secrets at rest. Each is sealed with a key of its own (AES-256-GCM), and that key with the server's: derived from
//! `MLFLOW_CRYPTO_KEK_PASSPHRASE` as MLflow derives its own, or given as `MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY`, or else
//! random and kept in the home. A sealed secret names the key that opens it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hmac, pbkdf2};
use ropewalk_core::{Code, Error, Result};

use crate::options::Options;

/// The key's file in the home.
const KEY_FILE: &str = "webhooks.key";
/// Salt and iterations as in MLflow's `utils/crypto.py`: one passphrase gives one key.
const SALT: &[u8] = b"mlflow-secrets-kek-v1-2025";
const ITERATIONS: u32 = 600_000;
const VERSION: &str = "1";

/// The server's keys.
pub(crate) struct Keys {
    home: PathBuf,
    passphrase: Option<(String, u32)>,
    given: Option<[u8; 32]>,
    derived: OnceLock<[u8; 32]>,
    iterations: u32,
}

impl Keys {
    pub(crate) fn new(home: &Path, options: &Options) -> Self {
        Self {
            home: home.to_path_buf(),
            passphrase: options.passphrase.clone(),
            given: options.key,
            derived: OnceLock::new(),
            iterations: ITERATIONS,
        }
    }

    /// The key to seal with, and its name.
    fn current(&self) -> Result<(String, [u8; 32])> {
        if let Some(key) = self.given {
            return Ok(("given".to_owned(), key));
        }
        match &self.passphrase {
            Some((_, version)) => {
                let name = format!("passphrase-{version}");
                Ok((name.clone(), self.named(&name)?))
            }
            None => Ok(("home".to_owned(), self.of_home(true)?)),
        }
    }

    /// The key of a name.
    fn named(&self, name: &str) -> Result<[u8; 32]> {
        let absent = |hint: &str| {
            Error::new(
                Code::WrongState,
                format!("the key “{name}” that a webhook's secret was sealed with is not there"),
            )
            .hint(hint.to_owned())
        };
        match name {
            "given" => self.given.ok_or_else(|| {
                absent(
                    "set MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY as before, or give the webhook its secret anew",
                )
            }),
            "home" => self.of_home(false),
            _ => match &self.passphrase {
                Some((passphrase, version)) if name == format!("passphrase-{version}") => {
                    Ok(*self.derived.get_or_init(|| derive(passphrase, *version, self.iterations)))
                }
                _ => Err(absent(
                    "set MLFLOW_CRYPTO_KEK_PASSPHRASE and MLFLOW_CRYPTO_KEK_VERSION as before, or give the webhook its secret anew",
                )),
            },
        }
    }

    /// The home's own key; made if it is not there and may be.
    fn of_home(&self, make: bool) -> Result<[u8; 32]> {
        let file = self.home.join(KEY_FILE);
        let damaged =
            || Error::new(Code::Corrupt, format!("{} does not hold a key of 32 bytes", file.display()));
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                STANDARD.decode(text.trim()).ok().and_then(|key| key.try_into().ok()).ok_or_else(damaged)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && make => {
                let key: [u8; 32] = random()?;
                match write_private(&file, &(STANDARD.encode(key) + "\n")) {
                    // Another process was quicker: its key counts.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => self.of_home(false),
                    Err(error) => Err(error.into()),
                    Ok(()) => Ok(key),
                }
            }
            Err(error) => Err(Error::from(error)
                .context(format!("the key of this home, {}, cannot be read", file.display()))),
        }
    }

    /// Seals a webhook's secret.
    pub(crate) fn seal(&self, webhook: &str, secret: &str) -> Result<String> {
        let (name, key) = self.current()?;
        let own: [u8; 32] = random()?;
        let wrapped = STANDARD.encode(encrypt(&key, webhook, &own)?);
        let sealed = STANDARD.encode(encrypt(&own, webhook, secret.as_bytes())?);
        Ok(format!("{VERSION}:{name}:{wrapped}:{sealed}"))
    }

    /// As [`Keys::seal`], beside the other work: a passphrase's key takes a moment of pure computing.
    pub(crate) async fn seal_aside(keys: &Arc<Self>, webhook: &str, secret: String) -> Result<String> {
        let (keys, webhook) = (keys.clone(), webhook.to_owned());
        aside(move || keys.seal(&webhook, &secret)).await
    }

    /// As [`Keys::open`], beside the other work.
    pub(crate) async fn open_aside(keys: &Arc<Self>, webhook: &str, sealed: &str) -> Result<String> {
        let (keys, webhook, sealed) = (keys.clone(), webhook.to_owned(), sealed.to_owned());
        aside(move || keys.open(&webhook, &sealed)).await
    }

    /// Opens what was sealed for the same webhook.
    ///
    /// # Errors
    /// `wrong_state` when its key is not there; `corrupt` when it does not fit.
    pub(crate) fn open(&self, webhook: &str, sealed: &str) -> Result<String> {
        let damaged = || {
            Error::new(Code::Corrupt, format!("the secret of webhook {webhook} cannot be opened"))
                .why("it was changed, or sealed with another key")
                .hint("give the webhook its secret anew")
        };
        let mut parts = sealed.split(':');
        let (Some(VERSION), Some(name), Some(wrapped), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(damaged());
        };
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| damaged());
        let own = decrypt(&self.named(name)?, webhook, decode(wrapped)?).ok_or_else(damaged)?;
        let own: [u8; 32] = own.try_into().map_err(|_| damaged())?;
        let secret = decrypt(&own, webhook, decode(text)?).ok_or_else(damaged)?;
        String::from_utf8(secret).map_err(|_| damaged())
    }
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|source| Error::internal("work on a secret broke off").source(source))?
}

/// The key of a passphrase: PBKDF2 with HMAC-SHA256, the passphrase's number behind the salt.
fn derive(passphrase: &str, version: u32, iterations: u32) -> [u8; 32] {
    let salt = [SALT, &version.to_be_bytes()].concat();
    let iterations = std::num::NonZeroU32::new(iterations).unwrap_or(std::num::NonZeroU32::MIN);
    let mut key = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, passphrase.as_bytes(), &mut key);
    key
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system gives no random bytes"))?;
    Ok(bytes)
}

fn cipher(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

/// Nonce and ciphertext; `owner` is bound to it, so that it cannot be put in another's place.
fn encrypt(key: &[u8; 32], owner: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random()?;
    let mut bytes = plain.to_vec();
    let sealed = cipher(key).and_then(|cipher| {
        let owner = Aad::from(owner.as_bytes());
        cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), owner, &mut bytes).ok()
    });
    sealed.ok_or_else(|| Error::internal("a secret cannot be sealed"))?;
    Ok([nonce.as_slice(), &bytes].concat())
}

fn decrypt(key: &[u8; 32], owner: &str, sealed: Vec<u8>) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = text.to_vec();
    let plain = cipher(key)?.open_in_place(nonce, Aad::from(owner.as_bytes()), &mut text).ok()?;
    Some(plain.to_vec())
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What proves to a receiver who has sent a message: `v1,` and HMAC-SHA256 over identifier, time and body.
pub(crate) fn sign(secret: &str, delivery: &str, seconds: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hmac::sign(&key, format!("{delivery}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(signature))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn keys(home: &Path, options: Options) -> Keys {
        // The full number takes seconds where nothing is optimised.
        Keys { iterations: 10, ..Keys::new(home, &options) }
    }

    #[test]
    fn a_secret_is_opened_by_its_own_key_and_for_its_own_webhook() {
        let home = tempfile::tempdir().unwrap();
        let plain = keys(home.path(), Options::default());
        let sealed = plain.seal("w1", "s3cret é").unwrap();
        assert!(!sealed.contains("s3cret"));
        assert_ne!(sealed, plain.seal("w1", "s3cret é").unwrap());
        assert_eq!(keys(home.path(), Options::default()).open("w1", &sealed).unwrap(), "s3cret é");
        assert_eq!(plain.open("w2", &sealed).unwrap_err().code(), Code::Corrupt);
        assert_eq!(plain.open("w1", &sealed[..sealed.len() - 8]).unwrap_err().code(), Code::Corrupt);
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(keys(elsewhere.path(), Options::default()).open("w1", &sealed).is_err());

        let worded = |word: &str, version| Options {
            passphrase: Some((word.to_owned(), version)),
            ..Options::default()
        };
        let one = keys(home.path(), worded("one", 1));
        let sealed = one.seal("w1", "x").unwrap();
        assert_eq!(one.open("w1", &sealed).unwrap(), "x");
        assert_eq!(
            keys(home.path(), worded("two", 1)).open("w1", &sealed).unwrap_err().code(),
            Code::Corrupt
        );
        let (two, bare) = (
            keys(home.path(), worded("one", 2)),
            keys(home.path(), Options { key: Some([7; 32]), ..Options::default() }),
        );
        for other in [two, bare] {
            assert_eq!(other.open("w1", &sealed).unwrap_err().code(), Code::WrongState);
        }
        // A key that is given goes before the passphrase.
        let both = keys(home.path(), Options { key: Some([7; 32]), ..worded("one", 1) });
        assert!(both.seal("w1", "x").unwrap().starts_with("1:given:"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = home.path().join(KEY_FILE).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_passphrase_gives_the_key_that_mlflow_derives() {
        // mlflow.utils.crypto.KEKManager(passphrase="correct horse", kek_version=1).get_kek()
        let key: String =
            derive("correct horse", 1, ITERATIONS).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(key, "324004fa82af1c1a570c74b0467d90f49dbe4e8f45c1be9d6afe69b726a1b542");
    }

    #[test]
    fn a_signature_is_the_one_that_receivers_compute() {
        // mlflow.webhooks.delivery._generate_hmac_signature("s", "d-1", "1700000000", "{\"a\": 1}")
        assert_eq!(
            sign("s", "d-1", 1_700_000_000, "{\"a\": 1}"),
            "v1,Ne6XrrTMd1IEMDDdBj61MqWNQpalCLGtsAKrgzGFzNQ="
        );
    }
}
