//! A Redis server of one's own: started by a test, on a port that was free, in a folder of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use countersign_core::{SealKeys, SecretBytes};
use countersign_store_redis::{RedisBuilder, RedisStore};
use tempfile::TempDir;

/// So often another port is tried: between finding one and using it somebody else may take it.
const TRIES: u32 = 8;

/// A server that ends with the test.
pub(crate) struct Server {
    process: Option<Child>,
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    options: Vec<String>,
}

impl Server {
    /// Starts one with the lines `options` in its configuration. `None` where there is no Redis: then the
    /// test is left out, which is said; under CI it is a failure.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let missing =
            Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().err();
        if let Some(missing) = missing {
            assert!(std::env::var_os("CI").is_none(), "redis-server: {missing}");
            eprintln!("left out: redis-server: {missing}; apt-get install redis-server");
            return None;
        }
        let options = options.iter().map(|line| (*line).to_owned()).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { process: None, port: 0, folder, options };
        for _ in 0..TRIES {
            server.port = free_port();
            if server.run() {
                return Some(server);
            }
        }
        panic!("redis-server did not start in {TRIES} tries");
    }

    /// Starts it again, with the same port and folder.
    pub(crate) fn again(&mut self) {
        for _ in 0..TRIES {
            if self.run() {
                return;
            }
        }
        panic!("redis-server did not start again");
    }

    fn run(&mut self) -> bool {
        let mut process = Command::new("redis-server")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut settings = format!(
            "bind 127.0.0.1\nport {}\ndir {folder}\nunixsocket {folder}/redis.sock\nunixsocketperm 700\n\
             save \"\"\ndaemonize no\nrepl-diskless-sync-delay 0\n",
            self.port,
            folder = self.folder.path().display()
        );
        for line in &self.options {
            settings += &line.replace("FOLDER", &self.folder.path().to_string_lossy());
            settings += "\n";
        }
        process.stdin.take().unwrap().write_all(settings.as_bytes()).unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready =
            lines.by_ref().any(|line| line.unwrap().contains("Ready to accept connections"));
        if ready {
            // Somebody has to read on, or the server would stop at a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            self.process = Some(process);
        } else {
            process.wait().unwrap();
        }
        ready
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Ends it in order: what is to be saved is saved.
    pub(crate) fn shut_down(&mut self) {
        let mut process = self.process.take().unwrap();
        // The connection ends without an answer.
        let _ = redis::cmd("SHUTDOWN").exec(&mut self.admin());
        process.wait().unwrap();
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A store at this server.
    pub(crate) fn store(&self) -> RedisStore {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> RedisBuilder {
        RedisStore::builder(&self.address(), keys()).unwrap()
    }

    /// A connection beside the store, over the socket in the server's folder.
    pub(crate) fn admin(&self) -> redis::Connection {
        let path = self.folder.path().join("redis.sock");
        let client = redis::Client::open(format!("unix://{}", path.display())).unwrap();
        client.get_connection().unwrap()
    }

    /// What the server answers to a command with words and nothing else in it.
    pub(crate) fn says<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            asked.arg(word);
        });
        asked.query(&mut self.admin()).unwrap()
    }

    /// Every key with what lies under it, as text.
    pub(crate) fn dump(&self) -> String {
        let mut admin = self.admin();
        let mut all = String::new();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut admin).unwrap();
        for key in keys {
            let kind: String = redis::cmd("TYPE").arg(&key).query(&mut admin).unwrap();
            let read = match kind.as_str() {
                "hash" => redis::cmd("HGETALL").arg(&key).to_owned(),
                "list" => redis::cmd("LRANGE").arg(&key).arg(0).arg(-1).to_owned(),
                "stream" => redis::cmd("XRANGE").arg(&key).arg("-").arg("+").to_owned(),
                _ => redis::cmd("GET").arg(&key).to_owned(),
            };
            let value: redis::Value = read.query(&mut admin).unwrap();
            all += &format!("{key} {value:?}\n");
        }
        all
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

pub(crate) fn keys() -> SealKeys {
    SealKeys::new(1, SecretBytes::new(vec![7; 32]))
}

/// A port that nobody had a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
