//! Clients that nobody of this project wrote, at our own simulator: what it plays must be what they expect of the
//! service. A case is one run of one client against a fresh pool; what the pool counted must agree with it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use countersign_simulator::{AuthFlow, Cognito, Operation, Remembering, Simulator};
use serde_json::{Value, json};

use crate::support::{ok, var};

const KIM: &str = "kim@pool.example";
const INVITED: &str = "new@pool.example";
const ENROLLED: &str = "mfa@pool.example";
const CUSTOM_ANSWER: &str = "canary-answer";

/// One client of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Boto3,
    Identity,
    Pycognito,
}

impl Client {
    const fn name(self) -> &'static str {
        match self {
            Self::Boto3 => "boto3",
            Self::Identity => "amazon-cognito-identity-js",
            Self::Pycognito => "pycognito",
        }
    }

    fn command(self) -> Command {
        let script = |name: &str| format!("{}/{name}", var("COUNTERSIGN_CLIENT_SCRIPTS"));
        match self {
            Self::Identity => {
                let mut command = Command::new("node");
                command.arg(format!("{}/client_identity.mjs", var("COUNTERSIGN_CLIENT_NPM")));
                command
            }
            Self::Boto3 | Self::Pycognito => {
                let mut command = Command::new(var("COUNTERSIGN_CLIENT_PYTHON"));
                command.env("PYTHONDONTWRITEBYTECODE", "1");
                command.arg(script(if self == Self::Boto3 {
                    "client_boto3.py"
                } else {
                    "client_pycognito.py"
                }));
                command
            }
        }
    }

    /// Plays a case against this pool, and answers the pool after it.
    async fn plays(self, case: &'static str, pool: Cognito, user: &str) -> Simulator {
        let simulator = pool.build();
        self.plays_at(case, &simulator, user).await;
        simulator
    }

    /// The same against a pool that the test has made ready.
    async fn plays_at(self, case: &'static str, simulator: &Simulator, user: &str) {
        let running = simulator.serve().await.unwrap();
        let setting = setting(simulator, &running.url(), user);
        let pool = simulator.clone();
        let saw = tokio::task::spawn_blocking(move || self.run(case, &setting, &pool)).await;
        running.shutdown().await;
        ok("our simulator", &format!("{}, {case}", self.name()), &saw.unwrap());
    }

    fn run(self, case: &str, setting: &Value, pool: &Simulator) -> String {
        let mut child = self
            .command()
            .arg(case)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{setting}").unwrap();
        let mut saw = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some(identity) = line.strip_prefix("ASK ") {
                writeln!(input, "{}", pool.delivered(identity).unwrap_or_default()).unwrap();
            } else if let Some(told) = line.strip_prefix("SAW ") {
                saw = Some(told.to_owned());
            }
        }
        let ended = child.wait().unwrap();
        assert!(ended.success(), "{}, {case}: {ended}; what it wrote is above", self.name());
        saw.unwrap_or_else(|| panic!("{}, {case}: it said nothing", self.name()))
    }
}

fn setting(simulator: &Simulator, url: &str, user: &str) -> Value {
    let pairs = simulator.describe();
    let told = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let account = simulator.account_of(user).unwrap();
    json!({
        "url": url,
        "pool_id": told("USER_POOL_ID"),
        "client_id": told("CLIENT_ID"),
        "client_secret": told("CLIENT_SECRET"),
        "identity": user,
        "password": account.temporary_password.unwrap_or(account.password),
        "totp_secret": account.totp_secret,
        "custom_answer": CUSTOM_ANSWER,
    })
}

/// How often that was done, and how often refused.
fn counted(simulator: &Simulator, operation: Operation) -> (u64, u64) {
    let totals = simulator.totals();
    (totals.exchanges_of(operation), totals.refused_of(operation))
}

fn with(simulator: &Simulator, attributes: &[(&str, &str)]) {
    simulator.change_account(KIM, |account| {
        for (name, value) in attributes {
            account.attributes.insert((*name).to_owned(), (*value).to_owned());
        }
    });
}

/// A pool whose client allows every flow.
fn open_pool() -> Cognito {
    Simulator::cognito().allow(AuthFlow::UserPassword).allow(AuthFlow::User)
}

/// As `open_pool`, with names as they are typed: what pycognito makes its hashes of.
fn plain_names() -> Cognito {
    Simulator::cognito().names_as_typed()
}

/// A client without a secret, and SRP alone.
fn public() -> Cognito {
    Simulator::cognito().public_client()
}

fn custom_pool(pool: Cognito) -> Simulator {
    let simulator = pool.build();
    with(&simulator, &[("custom_answer", CUSTOM_ANSWER), ("custom.hint", "canary-hint")]);
    simulator
}

/// A test for each case; what follows a case is the pool, the user, and what it must have counted.
macro_rules! plays {
    ($client:ident: $($name:ident: $pool:expr, $user:expr, [$($operation:ident $done:literal $refused:literal),*];)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        #[ignore = "needs clients of others, run by cargo xtask independent"]
        async fn $name() {
            let simulator = Client::$client.plays(stringify!($name), $pool, $user).await;
            $(assert_eq!(counted(&simulator, Operation::$operation), ($done, $refused));)*
        }
    )+};
}

mod boto3 {
    use std::time::Duration;

    use super::{
        Client, ENROLLED, INVITED, KIM, Operation, Simulator, counted, custom_pool, open_pool,
    };

    plays! {
        Boto3:
        flow_not_enabled: Simulator::cognito(), KIM, [SIGN_IN 0 1];
        password: open_pool(), KIM, [SIGN_IN 1 2, WHO_AM_I 1 0];
        new_password: open_pool(), INVITED, [SIGN_IN 2 0, ANSWER 1 2];
        software_token: open_pool(), ENROLLED, [SIGN_IN 2 0, ANSWER 1 2];
        mfa_setup: open_pool().require_mfa(), KIM, [SIGN_IN 2 0, ANSWER 2 0];
        preference: open_pool(), KIM, [SIGN_IN 4 0];
        refresh_flow: open_pool(), KIM, [REFRESH 1 0];
        refresh_tokens: open_pool().rotating(Duration::ZERO), KIM, [REFRESH 1 2];
        sign_out: open_pool(), KIM, [REVOKE 1 0, SIGN_OUT_EVERYWHERE 1 0];
        passwords: open_pool(), KIM, [CONFIRM_FORGOT_PASSWORD 1 1, CHANGE_PASSWORD 1 0];
        sign_up: open_pool(), KIM, [REGISTER 1 1, SIGN_IN 1 1];
        choose: open_pool().first_factors(["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP"]), KIM,
            [SIGN_IN 2 0, ANSWER 2 0];
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs clients of others, run by cargo xtask independent"]
    async fn custom() {
        let simulator = custom_pool(open_pool());
        Client::Boto3.plays_at("custom", &simulator, KIM).await;
        assert_eq!(counted(&simulator, Operation::ANSWER), (1, 0));
    }
}

mod pycognito {
    use super::{
        Client, ENROLLED, INVITED, KIM, Operation, Remembering, counted, plain_names, public, with,
    };

    plays! {
        Pycognito:
        srp: plain_names(), KIM, [SIGN_IN 2 0, ANSWER 1 1, WHO_AM_I 1 0];
        srp_many: plain_names().srp_leading_zeros(), KIM, [SIGN_IN 12 0, ANSWER 12 0];
        hidden: public().hide_unknown_users(), KIM, [SIGN_IN 1 0, ANSWER 0 1];
        new_password: plain_names(), INVITED, [SIGN_IN 3 0, ANSWER 4 0];
        software_token: plain_names(), ENROLLED, [SIGN_IN 1 0, ANSWER 2 0];
        enrolment: plain_names(), KIM, [SIGN_IN 3 0, ANSWER 4 0];
        device: public().devices(Remembering::Always), KIM, [SIGN_IN 4 0, ANSWER 6 2, REFRESH 1 1];
        tokens: plain_names(), KIM, [REFRESH 1 1, SIGN_OUT_EVERYWHERE 1 0];
        passwords: plain_names(), KIM, [CONFIRM_FORGOT_PASSWORD 1 0, CHANGE_PASSWORD 1 0];
        sign_up: plain_names(), KIM, [REGISTER 1 0, SIGN_IN 1 1, ANSWER 1 0];
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs clients of others, run by cargo xtask independent"]
    async fn message() {
        let simulator = plain_names().build();
        with(&simulator, &[("mfa", "SMS_MFA")]);
        Client::Pycognito.plays_at("message", &simulator, KIM).await;
        assert_eq!(counted(&simulator, Operation::ANSWER), (2, 0));
    }
}

mod identity_js {
    use super::{
        AuthFlow, Client, ENROLLED, INVITED, KIM, Operation, Remembering, counted, custom_pool,
        public, with,
    };

    plays! {
        Identity:
        srp: public(), KIM, [SIGN_IN 2 0, ANSWER 1 1];
        srp_many: public().srp_leading_zeros(), KIM, [SIGN_IN 6 0, ANSWER 6 0];
        password: public().allow(AuthFlow::UserPassword), KIM, [SIGN_IN 1 1, WHO_AM_I 1 0];
        hidden: public().hide_unknown_users(), KIM, [SIGN_IN 1 0, ANSWER 0 1];
        new_password: public(), INVITED, [SIGN_IN 2 0, ANSWER 3 1];
        software_token: public(), ENROLLED, [SIGN_IN 1 0, ANSWER 2 1];
        mfa_setup: public().require_mfa(), KIM, [SIGN_IN 2 0, ANSWER 4 0];
        preference: public(), KIM, [SIGN_IN 2 0, ANSWER 2 0];
        refresh: public(), KIM, [SIGN_IN 1 0];
        sign_out: public(), KIM, [REVOKE 1 0, SIGN_OUT_EVERYWHERE 1 0];
        passwords: public(), KIM, [CONFIRM_FORGOT_PASSWORD 1 1, CHANGE_PASSWORD 1 0];
        sign_up: public(), KIM, [REGISTER 1 0, SIGN_IN 1 1, ANSWER 1 0];
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs clients of others, run by cargo xtask independent"]
    async fn select() {
        let simulator = public().build();
        with(&simulator, &[("mfa_settings", "SMS_MFA, SOFTWARE_TOKEN_MFA")]);
        Client::Identity.plays_at("select", &simulator, KIM).await;
        assert_eq!(counted(&simulator, Operation::ANSWER), (3, 0));
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs clients of others, run by cargo xtask independent"]
    async fn device() {
        let simulator = public().devices(Remembering::Always).build();
        with(&simulator, &[("mfa", "SMS_MFA")]);
        Client::Identity.plays_at("device", &simulator, KIM).await;
        let devices = simulator.count(|record| record.operation.as_str() == "confirm_device");
        assert_eq!((devices, counted(&simulator, Operation::ANSWER)), (1, (7, 1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "needs clients of others, run by cargo xtask independent"]
    async fn custom() {
        let simulator = custom_pool(public());
        Client::Identity.plays_at("custom", &simulator, KIM).await;
        assert_eq!(counted(&simulator, Operation::ANSWER), (2, 0));
    }
}
