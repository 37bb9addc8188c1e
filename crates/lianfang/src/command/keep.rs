//! `lianfang backup` and `lianfang restore`: on the centre's own host, beside it or without it.

use std::path::PathBuf;
use std::time::Instant;

use base::Env;
use serde_json::json;

use crate::backup::{self, Backup};
use crate::cli::{BackupArgs, RestoreArgs};
use crate::config::{self, Tree};
use crate::exit::Failure;
use crate::output;

/// `lianfang backup`
pub(crate) async fn backup(args: BackupArgs) -> Result<(), Failure> {
    let (begun, tree): (Instant, Tree) = (Instant::now(), config::load(args.config.as_deref(), &[])?);
    let made = backup::make(&args.data, &tree, &args.to, &Env::system()).await?;
    tell(&made, "to", &args.to.display().to_string(), begun, args.json);
    Ok(())
}

/// `lianfang restore`
pub(crate) async fn restore(args: RestoreArgs) -> Result<(), Failure> {
    let (begun, tree): (Instant, Tree) = (Instant::now(), config::load(args.config.as_deref(), &[])?);
    let target = args.data.clone().unwrap_or_else(|| {
        let mut name = args.from.clone().into_os_string();
        name.push(".rehearsal");
        PathBuf::from(name)
    });
    let list = backup::restore(&args.from, &target, &tree, args.rehearse, &Env::system()).await?;
    let (word, place) = if args.rehearse { ("rehearsed", &args.from) } else { ("data", &target) };
    tell(&list, word, &place.display().to_string(), begun, args.json);
    if !args.rehearse && !args.json {
        output::error_line("start it only where the old centre is gone: both hold the same keys");
    }
    Ok(())
}

fn tell(list: &Backup, word: &str, place: &str, begun: Instant, as_json: bool) {
    let (files, bytes) = list.sum();
    let (proof, seconds) = (&list.proof, begun.elapsed().as_secs_f64());
    if as_json {
        let mut said = json!({
            "size": proof.size, "root": proof.root, "export_sha256": proof.export_sha256,
            "made_at": list.made_at, "files": files, "bytes": bytes, "seconds": seconds,
        });
        if let Some(object) = said.as_object_mut() {
            object.insert(word.to_owned(), json!(place));
        }
        output::line(&said.to_string());
        return;
    }
    output::line(&format!(
        "{word} {place}\nfiles {files}, {bytes} bytes, as of {}\naudit size {}\nroot {}\nexport {}\n{seconds:.1} s",
        list.made_at, proof.size, proof.root, proof.export_sha256
    ));
}
