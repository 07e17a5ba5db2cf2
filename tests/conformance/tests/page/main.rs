//! The page of a report, in a browser: it fetches nothing, hostile text stays text, its filters work, and it fits
//! a desk and a phone.
//!
//! It needs Debian's packages `chromium` and `chromium-driver`. Without them the tests are left out and say so; under
//! CI they fail. The pictures are kept in `target/conformance/`.
#![expect(clippy::print_stderr, reason = "a test that is left out says why")]

mod browser;
mod made_up;

use std::path::PathBuf;
use std::process::Command;

use countersign_conformance::report::html;
use fantoccini::Locator;

use crate::browser::{Browser, DESK, PHONE};

type Done = Result<(), Box<dyn std::error::Error>>;

/// Where pages and pictures are kept.
fn folder() -> std::io::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        PathBuf::from,
    );
    let folder = target.join("conformance");
    std::fs::create_dir_all(&folder)?;
    folder.canonicalize()
}

#[tokio::test]
async fn the_page_of_a_real_run_filters_and_fits_a_desk_and_a_phone() -> Done {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let folder = folder()?;
    let ran = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .args(["--provider", "ibanera", "--provider", "ibex", "--format", "html", "--out"])
        .arg(&folder)
        .output()?;
    // The page is written whether or not all is well.
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&ran.stderr));

    browser.open(&folder.join("conformance.html"), DESK).await?;
    browser.picture(&folder.join("desk.png")).await?;
    let all = browser.count("tr[data-case]").await?;
    assert!(all > 5, "{all} cases");
    assert_eq!(browser.text(".count").await?, format!("{all} of {all} cases"));

    // Words.
    browser.page.find(Locator::Css("[name=text]")).await?.send_keys("f07-dropped-caller").await?;
    let found = browser.count("tr[data-case]").await?;
    assert!((1..all).contains(&found), "{found} of {all}");
    assert_eq!(browser.text(".count").await?, format!("{found} of {all} cases"));
    browser.page.find(Locator::Css("form.filters [type=reset]")).await?.click().await?;
    assert_eq!(browser.count("tr[data-case]").await?, all);

    // A row of the requirements.
    browser.page.find(Locator::Css("button.row[data-proof=F07]")).await?.click().await?;
    let shown = browser.count("tr[data-case]").await?;
    assert!((1..all).contains(&shown), "{shown} of {all}");
    browser.page.find(Locator::Css("button.row[data-proof=F07]")).await?.click().await?;

    // A provider: the other column goes.
    assert_eq!(browser.count("thead th.mark").await?, 2);
    browser.choose("[name=provider]", "ibanera").await?;
    assert_eq!(browser.count("thead th.mark").await?, 1);
    assert_eq!(browser.count("article[data-provider=ibex]").await?, 0);
    browser.page.find(Locator::Css("form.filters [type=reset]")).await?.click().await?;

    // Outcomes: without the skipped ones fewer articles, and without all none.
    let articles = browser.count("article").await?;
    browser.page.find(Locator::Css("[value=skipped]")).await?.click().await?;
    assert!(browser.count("article").await? < articles);
    browser.page.find(Locator::Css("[value=passed]")).await?.click().await?;
    browser.page.find(Locator::Css("[value=failed]")).await?.click().await?;
    assert_eq!(browser.count("tr[data-case]").await?, 0);
    assert_eq!(browser.count("tr.group").await?, 0);
    browser.page.find(Locator::Css("form.filters [type=reset]")).await?.click().await?;

    // A mark of the matrix leads to what happened, and opens it.
    browser.page.find(Locator::Css("tr[data-case=f01-herd] a.cell.passed")).await?.click().await?;
    let open = "article[data-case=f01-herd] details[open] svg.timeline";
    assert_eq!(browser.count(open).await?, 1);
    browser.picture_of(open, &folder.join("timeline.png")).await?;

    browser.open(&folder.join("conformance.html"), PHONE).await?;
    browser.picture(&folder.join("phone.png")).await?;
    assert!(browser.fits_its_width().await?, "the page is wider than a phone");
    assert_eq!(browser.fetched().await?, 0, "the page fetches something");
    browser.end().await
}

#[tokio::test]
async fn f49_hostile_names_and_messages_are_shown_and_do_nothing() -> Done {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let page = folder()?.join("hostile.html");
    std::fs::write(&page, html::write(&made_up::hostile()))?;
    for size in [DESK, PHONE] {
        browser.open(&page, size).await?;
        assert_eq!(browser.count("img, iframe, object, embed, base").await?, 0);
        assert_eq!(browser.count("script").await?, 0, "a script is never visible");
        assert_eq!(browser.run("return document.scripts.length").await?, 1);
        assert_eq!(browser.run("return window.canary === undefined").await?, true);
        assert_eq!(browser.fetched().await?, 0);
        assert!(browser.text("article .body dd").await?.contains(made_up::SCRIPT));
        let text = browser.run("return document.body.textContent").await?.to_string();
        assert!(
            !text.contains('\u{1b}') && !text.contains("\\u001b") && !text.contains('\u{202e}')
        );
        assert!(browser.fits_its_width().await?);
    }
    browser.picture(&folder()?.join("hostile.png")).await?;

    // The script itself works among them: the failed ones are left.
    for outcome in ["[value=passed]", "[value=skipped]"] {
        browser.page.find(Locator::Css(outcome)).await?.click().await?;
    }
    assert_eq!(browser.count("article").await?, 10);
    assert_eq!(browser.count("article.failed").await?, 10);
    browser.end().await
}

/// That the test above can see a script run: the same page without its content policy and its escapes.
#[tokio::test]
async fn an_unescaped_page_is_seen_to_run_its_foreign_script() -> Done {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let page = folder()?.join("unescaped.html");
    let text = html::write(&made_up::hostile()).replace("&lt;", "<").replace("&gt;", ">");
    let policy = text.find("<meta http-equiv").zip(text.find("<meta name=\"viewport\""));
    let (from, to) = policy.expect("the page has its policy before its viewport");
    std::fs::write(&page, format!("{}{}", &text[..from], &text[to..]))?;
    browser.open(&page, DESK).await?;
    assert_eq!(browser.run("return window.canary === undefined").await?, false);
    browser.end().await
}
