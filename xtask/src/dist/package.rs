//! A Debian package of one program: the files of `dist/PROGRAM`, the program, its papers.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Release;

/// Debian's name of this machine's architecture.
pub(super) fn architecture(host: &str) -> Option<&'static str> {
    match host.split('-').next()? {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        "riscv64gc" => Some("riscv64"),
        _ => None,
    }
}

/// Whether packages can be made here.
pub(super) fn available() -> bool {
    Command::new("dpkg-deb").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Makes `PROGRAM_VERSION_ARCHITECTURE.deb`.
///
/// # Errors
/// A file cannot be read or written, or `dpkg-deb` refuses.
pub(super) fn build(release: &Release, program: &str, architecture: &str, bill: &Path, notices: &str) -> Result<()> {
    let stage = release.out.join("stage").join(program);
    copy(&release.root.join("dist").join(program), &stage)?;
    let built = release.out.join(program);
    put(&stage.join("usr/bin").join(program), &fs::read(&built)?, 0o755)?;
    let papers = stage.join("usr/share/doc").join(program);
    put(&papers.join("copyright"), notices.as_bytes(), 0o644)?;
    put(&papers.join("installing.md"), &fs::read(release.root.join("docs/installing.md"))?, 0o644)?;
    put(&papers.join(bill.file_name().context("a bill without a name")?), &fs::read(bill)?, 0o644)?;

    let control = stage.join("DEBIAN/control");
    let filled = fs::read_to_string(&control)?
        .replace("@VERSION@", &release.version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@GLIBC@", &glibc(&fs::read(&built)?)?)
        .replace("@INSTALLED_SIZE@", &kibibytes(&stage)?.to_string());
    put(&control, filled.as_bytes(), 0o644)?;

    let archive = release.out.join(format!("{program}_{}_{architecture}.deb", release.version));
    // Times of files that are newer than the epoch are cut to it; all files here were made just now.
    let status = Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([&stage, &archive])
        .env("SOURCE_DATE_EPOCH", release.epoch.to_string())
        .stdout(std::process::Stdio::null())
        .status()?;
    if !status.success() {
        bail!("dpkg-deb does not make {}", archive.display());
    }
    fs::remove_dir_all(release.out.join("stage"))?;
    Ok(())
}

/// The oldest C library that has every symbol the program asks for.
fn glibc(program: &[u8]) -> Result<String> {
    const MARK: &[u8] = b"GLIBC_2.";
    let number = |at: usize| -> Option<u32> {
        let digits: Vec<u8> = program.get(at + MARK.len()..)?.iter().copied().take_while(u8::is_ascii_digit).collect();
        String::from_utf8(digits).ok()?.parse().ok()
    };
    let marks = program.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK);
    let most = marks.filter_map(|(at, _)| number(at)).max().context("the program names no version of the C library")?;
    Ok(format!("2.{most}"))
}

/// Copies a tree. Programs for the installer may be run, settings are for root alone, everything else may be read.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(from.join(&folder)).with_context(|| from.join(&folder).display().to_string())? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                waiting.push(path);
                continue;
            }
            let script =
                path.starts_with("DEBIAN") && !["control", "conffiles"].iter().any(|name| path.ends_with(name));
            let mode = if script {
                0o755
            } else if path.starts_with("etc") {
                0o600
            } else {
                0o644
            };
            put(&to.join(&path), &fs::read(entry.path())?, mode)?;
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut made = BTreeSet::new();
    for folder in path.ancestors().skip(1).take_while(|folder| !folder.exists()) {
        made.insert(folder.to_owned());
    }
    fs::create_dir_all(path.parent().context("a file without a folder")?)?;
    for folder in made {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    fs::write(path, bytes).with_context(|| path.display().to_string())?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

/// The size of what is installed, as Debian counts it: each file in whole kibibytes.
fn kibibytes(stage: &Path) -> Result<u64> {
    let mut total = 0;
    let mut waiting = vec![stage.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                total += 1;
                if !entry.path().ends_with("DEBIAN") {
                    waiting.push(entry.path());
                }
            } else {
                total += entry.metadata()?.len().div_ceil(1024);
            }
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_decides() {
        assert_eq!(glibc(b"..GLIBC_2.4\0GLIBC_2.34\0GLIBC_2.9\0").unwrap(), "2.34");
        assert!(glibc(b"static").is_err());
    }

    #[test]
    fn settings_are_listed_and_scripts_run() {
        let dist = crate::root().unwrap().join("dist");
        for program in super::super::PROGRAMS {
            let listed = fs::read_to_string(dist.join(program).join("DEBIAN/conffiles")).unwrap();
            for path in listed.lines() {
                assert!(dist.join(program).join(path.trim_start_matches('/')).is_file(), "{path}");
            }
            let control = fs::read_to_string(dist.join(program).join("DEBIAN/control")).unwrap();
            assert!(control.starts_with(&format!("Package: {program}\n")), "{control}");
        }
    }

    #[test]
    fn units_are_confined() {
        let dist = crate::root().unwrap().join("dist");
        let units = [
            ("lianfang/usr/lib/systemd/system/lianfang.service", ""),
            ("lianfang-node/usr/lib/systemd/system/lianfang-sensor.service", "CAP_NET_BIND_SERVICE"),
            ("lianfang-node/usr/lib/systemd/system/lianfang-edge.service", "CAP_NET_ADMIN"),
        ];
        for (unit, right) in units {
            let text = fs::read_to_string(dist.join(unit)).unwrap();
            let has = |line: &str| assert!(text.lines().any(|found| found == line), "{unit}: {line}");
            has(&format!("CapabilityBoundingSet={right}"));
            for line in ["NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "MemoryDenyWriteExecute=yes"]
            {
                has(line);
            }
            assert_eq!(text.contains("AF_NETLINK"), unit.ends_with("edge.service"));
        }
    }
}
