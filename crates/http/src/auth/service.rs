//! Making credentials and recognising callers.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use rand::RngCore;
use ropewalk_core::{Code, Connection, Core, Error, Result, now_ms};
use ropewalk_mlflow::access::Rights;
use tokio::sync::Semaphore;

use super::known::Known;
use super::model::{Credential, Kind, Role};
use super::roles::{WORKSPACE, own_role};
use super::store::{self, Counter};

/// How long a process may go on with credentials that another process has changed.
const STALE: Duration = Duration::from_secs(2);
/// How many passwords are hashed at once: each takes 19 MiB and some hundredths of a second of a core.
const HASHING: usize = 4;
const TOKEN_PREFIX: &str = "rw_";
/// The longest name, in characters.
const LONGEST_NAME: usize = 255;

/// Who calls, and what their role allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The credential's number; none for the owner of the home.
    pub id: Option<i64>,
    /// The credential's name.
    pub name: String,
    /// What it allows.
    pub role: Role,
}

impl Caller {
    fn of(credential: &Credential) -> Self {
        Self { id: Some(credential.id), name: credential.name.clone(), role: credential.role }
    }

    /// Whether this is an administrator.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// The credentials of a home.
#[derive(Clone)]
pub struct Auth {
    core: Core,
    known: Arc<RwLock<Known>>,
    hashing: Arc<Semaphore>,
    /// A secret that this server process made for the commands run in its own home.
    local: Option<Arc<str>>,
}

impl Auth {
    /// The credentials of `core`'s database.
    #[must_use]
    pub fn new(core: Core) -> Self {
        Self { core, known: Arc::default(), hashing: Arc::new(Semaphore::new(HASHING)), local: None }
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
        Ok(!self.known().credentials.is_empty())
    }

    /// Every credential.
    pub async fn list(&self) -> Result<Vec<Credential>> {
        self.refresh(true).await?;
        Ok(self.known().credentials.iter().map(|(credential, _)| credential.clone()).collect())
    }

    /// The credential of a name.
    ///
    /// # Errors
    /// `not_found` for another name.
    pub async fn get(&self, name: &str) -> Result<Credential> {
        self.refresh(true).await?;
        self.known().credential(name).cloned().ok_or_else(|| no_user(name))
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
        check_name(name)?;
        check_password(password)?;
        let hash = self.hash(password).await?;
        self.insert(name, Kind::Password, role, hash).await
    }

    /// Give a user another password.
    ///
    /// # Errors
    /// `not_found` for another name; `wrong_state` for a token, which has none.
    pub async fn set_password(&self, name: &str, password: &str) -> Result<()> {
        if self.get(name).await?.kind == Kind::Token {
            return Err(Error::new(Code::WrongState, format!("{name} is a token and has no password"))
                .hint(format!("ropewalk auth rm {name}")));
        }
        check_password(password)?;
        let hash = self.hash(password).await?;
        let owned = name.to_owned();
        let found = self
            .change(move |tx| {
                Box::pin(async move { store::credentials::set_secret(tx, &owned, &hash).await })
            })
            .await?;
        if found { Ok(()) } else { Err(no_user(name)) }
    }

    /// Give a credential another role.
    ///
    /// # Errors
    /// `not_found` for another name.
    pub async fn set_role(&self, name: &str, role: Role) -> Result<()> {
        let owned = name.to_owned();
        let found = self
            .change(move |tx| Box::pin(async move { store::credentials::set_role(tx, &owned, role).await }))
            .await?;
        if found { Ok(()) } else { Err(no_user(name)) }
    }

    async fn insert(&self, name: &str, kind: Kind, role: Role, hash: String) -> Result<Credential> {
        check_name(name)?;
        let first = !self.required().await?;
        if first && role != Role::Admin {
            return Err(Error::invalid("the first credential must be an administrator's")
                .why("from then on every caller must prove who they are, and nobody else could make more")
                .hint("ropewalk auth token admin --role admin"));
        }
        let mut credential = Credential { id: 0, name: name.to_owned(), kind, role, created_ms: now_ms() };
        let made = self
            .change(move |tx| {
                Box::pin(async move {
                    credential.id = store::next(tx, Counter::Credential).await?;
                    let inserted = store::credentials::insert(tx, &credential, &hash).await?;
                    Ok(inserted.then_some(credential))
                })
            })
            .await?;
        made.ok_or_else(|| {
            Error::new(Code::AlreadyExists, format!("there is a credential “{name}” already"))
                .hint(format!("ropewalk auth rm {name}"))
        })
    }

    /// Remove a credential, and what was granted to it.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let wanted = name.to_owned();
        let removed = self
            .change(move |tx| {
                Box::pin(async move {
                    if let Some(number) = store::credentials::number(tx, &wanted).await? {
                        let own = store::roles::role_named(tx, WORKSPACE, &own_role(number)).await?;
                        if let Some(own) = own {
                            store::roles::delete_role(tx, own.id).await?;
                        }
                        store::roles::delete_assignments_of(tx, number).await?;
                    }
                    store::credentials::delete(tx, &wanted).await
                })
            })
            .await?;
        if removed { Ok(()) } else { Err(no_user(name)) }
    }

    /// The caller that an `Authorization` header proves, if it proves one.
    pub async fn recognise(&self, header: &str) -> Result<Option<Caller>> {
        self.refresh(false).await?;
        let key = blake3::hash(header.as_bytes());
        if let Some(caller) = self.known().verified(&key) {
            return Ok(Some(caller));
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
        if let Some((caller, change)) = caller {
            let mut known = self.known_mut();
            // What has changed meanwhile may have been this very credential.
            if known.change() == change {
                known.remember(key, caller.clone());
            }
            return Ok(Some(caller));
        }
        Ok(None)
    }

    /// Whether this is the user's password.
    pub async fn is_password(&self, name: &str, password: &str) -> Result<bool> {
        Ok(self.by_password(name, password.to_owned()).await?.is_some())
    }

    /// What a caller may do: what the role gives, and what was granted beside it.
    #[must_use]
    pub fn rights(&self, caller: &Caller) -> Rights {
        let Some(id) = caller.id.filter(|_| !caller.is_admin()) else { return Rights::everything() };
        let folded = self.known().folded(id);
        let grants = folded.unwrap_or_else(|| self.known_mut().fold(id));
        Rights::new(caller.role.permission(), grants)
    }

    /// The workspaces in which a user has a role.
    pub async fn workspaces_of(&self, user: i64) -> Result<Vec<String>> {
        self.refresh(true).await?;
        Ok(self.known().workspaces_of(user))
    }

    /// The workspaces that a user manages.
    pub async fn managed_by(&self, user: i64) -> Result<Vec<String>> {
        self.refresh(true).await?;
        Ok(self.known().managed_by(user))
    }

    fn by_token(&self, token: &str) -> Option<(Caller, i64)> {
        let hash = blake3::hash(token.as_bytes());
        let known = self.known();
        // blake3::Hash compares in constant time.
        if self.local.as_deref().is_some_and(|local| blake3::hash(local.as_bytes()) == hash) {
            return Some((Caller { id: None, name: "local".to_owned(), role: Role::Admin }, known.change()));
        }
        let found = known.credentials.iter().find(|(credential, stored)| {
            credential.kind == Kind::Token
                && blake3::Hash::from_hex(stored).is_ok_and(|stored| stored == hash)
        });
        found.map(|(credential, _)| (Caller::of(credential), known.change()))
    }

    async fn by_password(&self, name: &str, password: String) -> Result<Option<(Caller, i64)>> {
        let found = {
            let known = self.known();
            let mut users = known.credentials.iter().filter(|(one, _)| one.kind == Kind::Password);
            users
                .find(|(one, _)| one.name == name)
                .map(|(one, hash)| (Caller::of(one), hash.clone(), known.change()))
        };
        let Some((caller, stored, change)) = found else { return Ok(None) };
        let right = self
            .hashing(move || {
                PasswordHash::new(&stored)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(right.then_some((caller, change)))
    }

    async fn hash(&self, password: &str) -> Result<String> {
        let mut bytes = [0; 16];
        rand::rng().fill_bytes(&mut bytes);
        let password = password.to_owned();
        let fault = |source: argon2::password_hash::Error| {
            Error::internal("the password could not be hashed").why(source.to_string())
        };
        let salt = SaltString::encode_b64(&bytes).map_err(fault)?;
        self.hashing(move || {
            let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(fault)
        })
        .await?
    }

    /// Runs what is slow on purpose beside the requests, and only so much of it at once.
    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = self.hashing.clone().acquire_owned().await;
        let ended = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        ended.await.map_err(|source| Error::internal("verifying a password failed").source(source))
    }

    /// Changes something in one transaction, and reads anew what is kept in memory.
    pub(super) async fn change<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let changed = self
            .core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let value = operation(tx).await?;
                    store::next(tx, Counter::Change).await?;
                    Ok(value)
                })
            })
            .await;
        self.refresh(true).await?;
        changed
    }

    /// Reads anew what others may have changed; at once, or when it was last looked at some time ago.
    pub(super) async fn refresh(&self, now: bool) -> Result<()> {
        if !now && self.known().read_at.is_some_and(|at| at.elapsed() < STALE) {
            return Ok(());
        }
        let mut connection = self.core.database.read().await?;
        let change = store::changes(&mut connection).await?;
        {
            let mut known = self.known_mut();
            if known.read_at.is_some() && known.change() == change {
                known.read_at = Some(std::time::Instant::now());
                return Ok(());
            }
        }
        let newer = Known::read(&mut connection).await?;
        self.known_mut().replace(newer);
        Ok(())
    }

    pub(super) fn core(&self) -> &Core {
        &self.core
    }

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_user(name: &str) -> Error {
    Error::not_found(format!("no credential “{name}”")).hint("ropewalk auth ls")
}

fn check_name(name: &str) -> Result<()> {
    // A colon ends the name where a browser or a client sends it.
    let usable = !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= LONGEST_NAME
        && !name.chars().any(|c| c.is_control() || c == ':');
    if usable {
        return Ok(());
    }
    Err(Error::invalid(format!("“{}” is not a usable name", name.escape_default()))
        .why(format!("a name has 1 to {LONGEST_NAME} characters, no colon, and no blank at either end")))
}

fn check_password(password: &str) -> Result<()> {
    if password.chars().count() >= 8 {
        return Ok(());
    }
    Err(Error::invalid("the password is too short").why("it must have 8 characters or more"))
}

fn decode_basic(text: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
