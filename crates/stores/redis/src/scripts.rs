//! The scripts: each is one atomic step at the server.

use std::sync::LazyLock;

use redis::{Cmd, Script};

/// A script with what it is given.
pub(crate) struct Call {
    script: &'static Script,
    code: &'static str,
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {$(
        pub(crate) fn $name() -> Call {
            const CODE: &str = include_str!(concat!("lua/", $file, ".lua"));
            static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(CODE));
            Call { script: &SCRIPT, code: CODE, keys: Vec::new(), args: Vec::new() }
        }
    )*};
}

scripts! {
    commit = "commit";
    lock = "lock";
    release = "release";
    remove = "remove";
    renew = "renew";
    set_aside = "set_aside";
}

impl Call {
    #[must_use]
    pub(crate) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    #[must_use]
    pub(crate) fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.push(arg.as_ref().to_vec());
        self
    }

    #[must_use]
    pub(crate) fn number(self, number: impl Into<u128>) -> Self {
        let number: u128 = number.into();
        self.arg(number.to_string())
    }

    /// By its hash: the server most often has it.
    pub(crate) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.get_hash())
    }

    /// Whole; from then on the server has it, until it is restarted or its scripts are flushed.
    pub(crate) fn whole(&self) -> Cmd {
        self.command("EVAL", self.code)
    }

    fn command(&self, name: &str, what: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(what).arg(self.keys.len()).arg(&self.keys).arg(&self.args);
        command
    }
}
