//! What every command works with: the settings, where results go, and the way to the services.

use ropewalk_core::{Result, Settings};
use ropewalk_http::Security;
use ropewalk_http::auth::Auth;
use tokio::sync::OnceCell;

use crate::client::Client;
use crate::compose::App;
use crate::output::Output;
use crate::running::Running;

/// What a command works with.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    client: OnceCell<Client>,
}

impl Context {
    pub(crate) fn new(settings: Settings, output: Output) -> Self {
        Self { settings, output, client: OnceCell::new() }
    }

    /// The way to the services: a remote server, the server of the home, or this process.
    pub(crate) async fn client(&self) -> Result<&Client> {
        self.client
            .get_or_try_init(|| async {
                let token = self.settings.text("token");
                if let Some(server) = self.settings.text("server") {
                    return Client::remote(server, token);
                }
                if let Some(running) = Running::find(&self.settings.home).await {
                    return Client::remote(&running.address, Some(&running.token));
                }
                let mut app = App::open(self.settings.clone()).await?;
                // Who may read a home's files could read its credentials, too: none is asked for.
                let token = Auth::random_token();
                app.auth = app.auth.with_local_token(&token);
                app.serve.restore().await?;
                Ok(Client::Local(app.router(Security::none()).0, token))
            })
            .await
    }
}
