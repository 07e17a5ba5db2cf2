//! Making a connection: socket, TLS where the place asks for it, user and database.

use std::sync::{Arc, Weak};

use countersign_core::{Error, SecretString};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisError, RedisResult, Value,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use crate::fault::{self, Next};
use crate::place::Place;
use crate::tls::Tls;

/// Where a password is had from, again for each connection.
pub(crate) type PasswordSource = dyn Fn() -> Result<SecretString, Error> + Send + Sync;

/// Who connects, and how.
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Arc<PasswordSource>>,
    pub(crate) database: i64,
    #[cfg_attr(
        not(feature = "rustls-no-provider"),
        expect(dead_code, reason = "without TLS there is nothing in it")
    )]
    pub(crate) tls: Tls,
}

/// An open connection. Clones share it; it is closed when the last one goes.
#[derive(Clone)]
pub(crate) struct Wire {
    connection: MultiplexedConnection,
    driver: Arc<Driver>,
}

/// Which connection it was, though it may be closed.
pub(crate) struct WireId(Weak<Driver>);

/// The task that moves the bytes.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Login {
    /// Connects to `place`.
    pub(crate) async fn connect(&self, place: &Place) -> Result<Wire, (Next, Error)> {
        let unreachable = |source| (Next::Reconnect, fault::unreachable(place, source));
        match place {
            Place::Tcp { host, port, tls } => {
                let stream = TcpStream::connect((&**host, *port)).await.map_err(unreachable)?;
                // Commands are small and waited for.
                stream.set_nodelay(true).map_err(unreachable)?;
                // What is still unsent when a connection is given up must not arrive later.
                stream.set_zero_linger().map_err(unreachable)?;
                if *tls {
                    self.greet_with_tls(place, host, stream).await
                } else {
                    self.greet(place, stream).await
                }
            }
            #[cfg(unix)]
            Place::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await.map_err(unreachable)?;
                self.greet(place, stream).await
            }
            #[cfg(not(unix))]
            Place::Unix(_) => Err(unreachable(std::io::ErrorKind::Unsupported.into())),
        }
    }

    #[cfg(feature = "rustls-no-provider")]
    async fn greet_with_tls(
        &self,
        place: &Place,
        host: &str,
        stream: TcpStream,
    ) -> Result<Wire, (Next, Error)> {
        let connector = self.tls.connector().map_err(|error| (Next::GiveUp, error))?;
        let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|_| {
            (
                Next::GiveUp,
                fault::setting(format!("{place} is no name that a certificate can have")),
            )
        })?;
        match connector.connect(name, stream).await {
            Ok(stream) => self.greet(place, stream).await,
            Err(source) => Err(crate::tls::refused(place, source)),
        }
    }

    #[cfg(not(feature = "rustls-no-provider"))]
    async fn greet_with_tls(
        &self,
        place: &Place,
        _host: &str,
        _stream: TcpStream,
    ) -> Result<Wire, (Next, Error)> {
        // The builder has refused such an address.
        Err((Next::GiveUp, fault::unreachable(place, std::io::ErrorKind::Unsupported.into())))
    }

    async fn greet<S>(&self, place: &Place, stream: S) -> Result<Wire, (Next, Error)>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let password = self.password.as_ref().map(|source| source()).transpose();
        let password = password.map_err(|error| (Next::GiveUp, error))?;
        // It sends nothing by itself: of a refusal it would not say what the server's code was. Nor the name of a
        // library: that is one command less, and older servers refuse it.
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        // Every wait is ours, by our clock.
        let config =
            AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(|error| fault::of(place, &error))?;
        let driver = Arc::new(Driver(tokio::spawn(driver).abort_handle()));
        let wire = Wire { connection, driver };
        if let Some(password) = &password {
            let mut auth = redis::cmd("AUTH");
            auth.arg(self.user.as_deref()).arg(password.expose());
            wire.send(&auth).await.map_err(|error| fault::of_login(place, &error))?;
        }
        if self.database != 0 {
            let mut select = redis::cmd("SELECT");
            select.arg(self.database);
            wire.send(&select).await.map_err(|error| fault::of(place, &error))?;
        }
        Ok(wire)
    }
}

impl Wire {
    /// Sends one command.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let value = self.connection.clone().req_packed_command(command).await?;
        value.extract_error()
    }

    /// Sends several commands at once; the first that is refused counts.
    pub(crate) async fn send_all(&self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let answer = commands.query_async(&mut self.connection.clone()).await;
        answer.map_err(|error: RedisError| {
            let refused = error.clone().into_server_errors();
            let first = refused.and_then(|refused| refused.first().map(|(_, first)| first.clone()));
            first.map_or(error, RedisError::from)
        })
    }

    pub(crate) fn id(&self) -> WireId {
        WireId(Arc::downgrade(&self.driver))
    }

    /// Whether it is that connection.
    pub(crate) fn has(&self, id: &WireId) -> bool {
        std::ptr::eq(Arc::as_ptr(&self.driver), id.0.as_ptr())
    }

    /// Whether both are the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.driver, &other.driver)
    }
}
