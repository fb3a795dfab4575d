//! What runs Kafka: Java, and Kafka's own libraries, which Maven fetches once.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::{cache_folder, folder, program};

/// The Kafka that `compose/kafka/pom.xml` pins.
const VERSION: &str = "4.3.1";

const POM: &str = include_str!("../../../compose/kafka/pom.xml");

/// The oldest Java that Kafka's broker runs on.
const OLDEST_JAVA: u32 = 17;

/// The programs that fetch and run Kafka.
#[derive(Debug, Clone)]
pub struct Tools {
    pub(super) java: PathBuf,
    java_version: u32,
    maven: PathBuf,
}

impl Tools {
    /// Such as `Apache Kafka 4.3.1 on Java 17 from /usr/bin/java`.
    pub(super) fn origin(&self) -> String {
        format!(
            "Apache Kafka {VERSION} on Java {} from {}",
            self.java_version,
            self.java.display()
        )
    }

    /// Java as `JAVA_HOME` or `PATH` has it, and Maven.
    pub(super) fn find() -> Result<Tools, String> {
        let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
        let java = home
            .filter(|java| java.is_file())
            .or_else(|| on_path("java"));
        let version = java.as_deref().and_then(java_version);
        let maven = on_path("mvn");
        match (java, version, maven) {
            (Some(java), Some(java_version), Some(maven)) if java_version >= OLDEST_JAVA => {
                Ok(Tools {
                    java,
                    java_version,
                    maven,
                })
            }
            (_, Some(version), Some(_)) => Err(format!(
                "Kafka needs Java {OLDEST_JAVA} or newer, and this machine has Java {version}"
            )),
            (_, Some(version), None) if version >= OLDEST_JAVA => Err(
                "Kafka needs Maven (mvn) to be fetched with, and this machine has none".to_owned(),
            ),
            (_, _, Some(_)) => Err(format!(
                "Kafka needs Java {OLDEST_JAVA} or newer, and this machine has none"
            )),
            _ => Err(format!(
                "Kafka needs Java {OLDEST_JAVA} or newer and Maven (mvn), and this machine has not both"
            )),
        }
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn java_version(java: &Path) -> Option<u32> {
    let answer = Command::new(java)
        .arg("-version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    version_in(&String::from_utf8_lossy(&answer.stderr))
}

/// 17 of `openjdk version "17.0.15" 2025-04-15`; 8 of the older `"1.8.0_412"`.
fn version_in(answer: &str) -> Option<u32> {
    let (_, rest) = answer.split_once("version \"")?;
    let rest = rest.strip_prefix("1.").unwrap_or(rest);
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The folder with Kafka's libraries; the first call on a machine fetches them (44 MB), one process at a time.
pub(super) async fn libraries(tools: &Tools) -> anyhow::Result<PathBuf> {
    let cache = cache_folder()?;
    let home = cache.join(format!("kafka-{VERSION}"));
    let libs = home.join("libs");
    if libs.is_dir() {
        return Ok(libs);
    }
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let lock = folder::open_lock(&cache.join("kafka.lock"))?;
    let _held = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    if !libs.is_dir() {
        let fresh = folder::fresh(&cache, &format!("kafka-{VERSION}"))?;
        fetch(tools, &fresh)
            .await
            .context("Kafka could not be fetched")?;
        fs::rename(&fresh, &home).with_context(|| format!("cannot create {}", home.display()))?;
    }
    Ok(libs)
}

async fn fetch(tools: &Tools, fresh: &Path) -> anyhow::Result<()> {
    tracing::info!("fetching Apache Kafka {VERSION} with Maven, once");
    fs::create_dir(fresh)?;
    let pom = fresh.join("pom.xml");
    fs::write(&pom, POM)?;
    let mut libs = OsString::from("-DoutputDirectory=");
    libs.push(fresh.join("libs"));
    let mut maven = tokio::process::Command::new(&tools.maven);
    maven.args(["--batch-mode", "--quiet", "--file"]).arg(&pom);
    maven
        .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
        .arg(libs);
    program::settle(&mut maven, None);
    let answer = maven.stdin(Stdio::null()).output().await?;
    if !answer.status.success() {
        bail!(
            "{}{}",
            String::from_utf8_lossy(&answer.stdout),
            String::from_utf8_lossy(&answer.stderr)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pom_pins_the_version_that_the_cache_is_named_by() {
        let pinned =
            format!("<artifactId>kafka_2.13</artifactId>\n      <version>{VERSION}</version>");
        assert!(POM.contains(&pinned));
    }

    #[test]
    fn reads_the_version_that_java_tells() {
        assert_eq!(
            version_in("openjdk version \"17.0.15\" 2025-04-15\n"),
            Some(17)
        );
        assert_eq!(version_in("openjdk version \"21\" 2023-09-19\n"), Some(21));
        assert_eq!(version_in("java version \"1.8.0_412\"\n"), Some(8));
        assert_eq!(version_in("command not found"), None);
    }
}
