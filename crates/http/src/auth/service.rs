//! Making credentials and recognising callers.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngCore;
use ropewalk_core::{Code, Core, Error, Result, now_ms};

use super::model::{Credential, Kind, Role};
use super::store;

/// How long a process may go on with credentials that another process has changed.
const STALE: Duration = Duration::from_secs(2);
const TOKEN_PREFIX: &str = "rw_";

/// Who calls, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The credential's name.
    pub name: String,
    /// What it allows.
    pub role: Role,
}

#[derive(Default)]
struct Known {
    credentials: Vec<(Credential, String)>,
    read_at: Option<Instant>,
    /// Passwords that were verified: argon2 is slow on purpose, and a client sends its password
    /// with every request. Keyed by a hash of the whole header, forgotten at each re-read.
    verified: HashMap<blake3::Hash, Caller>,
}

/// The credentials of a home.
#[derive(Clone)]
pub struct Auth {
    core: Core,
    known: Arc<RwLock<Known>>,
    /// A secret that this server process made for the commands run in its own home.
    local: Option<Arc<str>>,
}

impl Auth {
    /// The credentials of `core`'s database.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core, known: Arc::default(), local: None }
    }

    /// Also accept `token` as an administrator: the server writes it into its home, where only
    /// the home's owner reads it.
    #[must_use]
    pub fn with_local_token(mut self, token: &str) -> Self {
        self.local = Some(token.into());
        self
    }

    /// A random token of 256 bits.
    #[must_use]
    pub fn random_token() -> String {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether callers must prove who they are: as soon as there is one credential.
    pub async fn required(&self) -> Result<bool> {
        self.refresh(false).await?;
        Ok(!self.read().credentials.is_empty())
    }

    /// Every credential.
    pub async fn list(&self) -> Result<Vec<Credential>> {
        self.refresh(true).await?;
        Ok(self.read().credentials.iter().map(|(credential, _)| credential.clone()).collect())
    }

    /// Make a token; the secret is shown this once.
    pub async fn create_token(&self, name: &str, role: Role) -> Result<(Credential, String)> {
        let token = Self::random_token();
        // A token is random: a plain hash cannot be guessed back.
        let hash = blake3::hash(token.as_bytes()).to_hex().to_string();
        Ok((self.insert(name, Kind::Token, role, hash).await?, token))
    }

    /// Make a user with a password.
    pub async fn create_password(&self, name: &str, role: Role, password: &str) -> Result<Credential> {
        if password.chars().count() < 8 {
            return Err(Error::invalid("the password is too short").why("it must have 8 characters or more"));
        }
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        let fault = |source: argon2::password_hash::Error| {
            Error::internal("the password could not be hashed").why(source.to_string())
        };
        let salt = SaltString::encode_b64(&bytes).map_err(fault)?;
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(fault)?.to_string();
        self.insert(name, Kind::Password, role, hash).await
    }

    async fn insert(&self, name: &str, kind: Kind, role: Role, hash: String) -> Result<Credential> {
        let usable = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte));
        if !usable {
            return Err(Error::invalid(format!("“{name}” is not a usable name"))
                .why("a name has 1 to 64 letters, digits and “-_.@”"));
        }
        let first = !self.required().await?;
        if first && role != Role::Admin {
            return Err(Error::invalid("the first credential must be an administrator's")
                .why("from then on every caller must prove who they are, and nobody else could make more")
                .hint("ropewalk auth token admin --role admin"));
        }
        let credential = Credential { name: name.to_owned(), kind, role, created_ms: now_ms() };
        let record = credential.clone();
        let inserted = self
            .core
            .database
            .write(move |transaction| {
                Box::pin(async move { store::insert(transaction, &record, &hash).await })
            })
            .await?;
        if !inserted {
            return Err(Error::new(Code::AlreadyExists, format!("there is a credential “{name}” already"))
                .hint(format!("ropewalk auth rm {name}")));
        }
        self.refresh(true).await?;
        Ok(credential)
    }

    /// Remove a credential.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let wanted = name.to_owned();
        let removed = self
            .core
            .database
            .write(move |transaction| Box::pin(async move { store::delete(transaction, &wanted).await }))
            .await?;
        self.refresh(true).await?;
        if removed {
            Ok(())
        } else {
            Err(Error::not_found(format!("no credential “{name}”")).hint("ropewalk auth ls"))
        }
    }

    /// The caller that an `Authorization` header proves, if it proves one.
    pub async fn recognise(&self, header: &str) -> Result<Option<Caller>> {
        self.refresh(false).await?;
        let key = blake3::hash(header.as_bytes());
        if let Some(caller) = self.read().verified.get(&key) {
            return Ok(Some(caller.clone()));
        }
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        let caller = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => self.by_token(rest.trim()),
            "basic" => match decode_basic(rest.trim()) {
                // MLflow's client can send a token as the password of any user, too.
                Some((_, secret)) if secret.starts_with(TOKEN_PREFIX) => self.by_token(&secret),
                Some((name, password)) => self.by_password(&name, password).await?,
                None => None,
            },
            _ => None,
        };
        if let Some(caller) = &caller {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.verified.insert(key, caller.clone());
        }
        Ok(caller)
    }

    fn by_token(&self, token: &str) -> Option<Caller> {
        let hash = blake3::hash(token.as_bytes());
        // blake3::Hash compares in constant time.
        if self.local.as_deref().is_some_and(|local| blake3::hash(local.as_bytes()) == hash) {
            return Some(Caller { name: "local".to_owned(), role: Role::Admin });
        }
        self.read()
            .credentials
            .iter()
            .find(|(credential, stored)| {
                credential.kind == Kind::Token
                    && blake3::Hash::from_hex(stored).is_ok_and(|stored| stored == hash)
            })
            .map(|(credential, _)| Caller { name: credential.name.clone(), role: credential.role })
    }

    async fn by_password(&self, name: &str, password: String) -> Result<Option<Caller>> {
        let found = self
            .read()
            .credentials
            .iter()
            .find(|(credential, _)| credential.kind == Kind::Password && credential.name == name)
            .cloned();
        let Some((credential, stored)) = found else { return Ok(None) };
        let right = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&stored)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
        })
        .await
        .map_err(|source| Error::internal("verifying a password failed").source(source))?;
        Ok(right.then_some(Caller { name: credential.name, role: credential.role }))
    }

    async fn refresh(&self, now: bool) -> Result<()> {
        if !now && self.read().read_at.is_some_and(|at| at.elapsed() < STALE) {
            return Ok(());
        }
        let mut connection = self.core.database.read().await?;
        let credentials = store::all(&mut connection).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { credentials, read_at: Some(Instant::now()), verified: HashMap::new() };
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode_basic(text: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn callers_are_recognised_by_token_and_password() {
        ropewalk_core::testing::each_database(store::MIGRATIONS, |core| async move {
            let auth = Auth::new(core);
            assert!(!auth.required().await.unwrap());
            assert!(auth.create_token("ci", Role::Viewer).await.is_err(), "the first must be an admin");
            let (_, token) = auth.create_token("root", Role::Admin).await.unwrap();
            auth.create_password("ann", Role::Scientist, "correct horse").await.unwrap();
            assert!(auth.required().await.unwrap());

            let recognise = |header: String| {
                let auth = auth.clone();
                async move { auth.recognise(&header).await.unwrap() }
            };
            assert_eq!(recognise(format!("Bearer {token}")).await.unwrap().role, Role::Admin);
            let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
            assert_eq!(recognise(basic("ann:correct horse")).await.unwrap().name, "ann");
            assert_eq!(recognise(basic("ann:wrong")).await, None);
            assert_eq!(recognise("Bearer nonsense".to_owned()).await, None);
            assert_eq!(recognise(String::new()).await, None);

            auth.remove("ann").await.unwrap();
            assert_eq!(recognise(basic("ann:correct horse")).await, None);
            assert!(auth.create_token("root", Role::Admin).await.is_err());
        })
        .await;
    }
}
