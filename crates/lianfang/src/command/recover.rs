//! `lianfang user recover`: a new one-time link for somebody who is locked out, made on the centre's own host.

use std::path::Path;

use base::Realm;
use store::SystemKey;

use crate::centre;
use crate::config::{self, Tree};
use crate::exit::Failure;
use crate::folder::Folder;
use crate::output;

/// Makes the link and prints it; the audit tree has a leaf of it.
pub(crate) async fn run(name: &str, data: &Path, config: Option<&Path>) -> Result<(), Failure> {
    if !data.join("tls").exists() {
        return Err(Failure::usage(format!("{} is not the data folder of a centre", data.display())));
    }
    let folder = Folder::real(data)?;
    let tree: Tree = config::load(config, &[])?;
    let services = centre::Services::open(&folder, &tree, api::context::CentreKind::Real, &base::Env::system()).await?;
    let caller = access::Caller::system(SystemKey::of("recover"), services.ctx.access.centre(), Realm::Real);
    let link = services.ctx.access.recover(&caller, name).await?;
    services.close().await;
    output::line(&format!("https://{}/invite/{}  (once)", tree.listen, link.token.as_str()));
    Ok(())
}
