//! Headless Chromium behind its driver, on this machine, with no way to another address.

use std::path::Path;
use std::process::Stdio;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Width and height of a window.
pub(crate) type Size = (u32, u32);
pub(crate) const DESK: Size = (1280, 900);
pub(crate) const PHONE: Size = (390, 844);

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

pub(crate) struct Browser {
    pub(crate) page: Client,
    driver: Child,
    profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where there is no browser: then the test is left out, which is said; under CI it is a failure.
    pub(crate) async fn start() -> Fallible<Option<Self>> {
        let driver = Command::new("chromedriver")
            .args(["--port=0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut driver = match driver {
            Ok(driver) => driver,
            Err(missing) if std::env::var_os("CI").is_none() => {
                eprintln!(
                    "left out: chromedriver: {missing}; apt-get install chromium chromium-driver"
                );
                return Ok(None);
            }
            Err(missing) => return Err(format!("chromedriver: {missing}").into()),
        };
        let port = port_of(&mut driver).await?;
        let profile = tempfile::tempdir()?;
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": arguments } });
        let Value::Object(capabilities) = wanted else {
            unreachable!("it is written as an object")
        };
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await?;
        Ok(Some(Self { page, driver, profile }))
    }

    pub(crate) async fn open(&self, file: &Path, (width, height): Size) -> Fallible<()> {
        self.page.set_window_size(width, height).await?;
        self.page.goto("about:blank").await?;
        self.page.goto(&format!("file://{}", file.display())).await?;
        Ok(())
    }

    /// How many of these a person can see.
    pub(crate) async fn count(&self, css: &str) -> Fallible<usize> {
        let script = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).length";
        let count = self.page.execute(script, vec![json!(css)]).await?;
        Ok(usize::try_from(count.as_u64().ok_or("no number")?)?)
    }

    pub(crate) async fn text(&self, css: &str) -> Fallible<String> {
        Ok(self.page.find(Locator::Css(css)).await?.text().await?)
    }

    pub(crate) async fn choose(&self, css: &str, value: &str) -> Fallible<()> {
        Ok(self.page.find(Locator::Css(css)).await?.select_by_value(value).await?)
    }

    pub(crate) async fn run(&self, script: &str) -> Fallible<Value> {
        Ok(self.page.execute(script, Vec::new()).await?)
    }

    /// How many things the page has loaded beside itself.
    pub(crate) async fn fetched(&self) -> Fallible<u64> {
        let count = self.run("return performance.getEntriesByType('resource').length").await?;
        Ok(count.as_u64().ok_or("no number")?)
    }

    /// Whether nobody has to scroll sideways.
    pub(crate) async fn fits_its_width(&self) -> Fallible<bool> {
        let fits =
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        Ok(self.run(fits).await? == true)
    }

    pub(crate) async fn picture(&self, file: &Path) -> Fallible<()> {
        Ok(std::fs::write(file, self.page.screenshot().await?)?)
    }

    pub(crate) async fn picture_of(&self, css: &str, file: &Path) -> Fallible<()> {
        let element = self.page.find(Locator::Css(css)).await?;
        Ok(std::fs::write(file, element.screenshot().await?)?)
    }

    pub(crate) async fn end(mut self) -> Fallible<()> {
        self.page.close().await?;
        self.driver.kill().await?;
        drop(self.profile);
        Ok(())
    }
}

/// The port that the system gave to the driver, from its first lines.
async fn port_of(driver: &mut Child) -> Fallible<u16> {
    let out = driver.stdout.take().ok_or("the driver has no output")?;
    let mut lines = BufReader::new(out).lines();
    while let Some(line) = lines.next_line().await? {
        let port = line.strip_suffix('.').and_then(|line| line.rsplit_once("on port "));
        if let Some((_, port)) = port {
            // What it says later is read by nobody, and must not block it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port.parse()?);
        }
    }
    Err("the driver ended before it said its port".into())
}
