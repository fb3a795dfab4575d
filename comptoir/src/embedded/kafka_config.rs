//! A Kafka node's configuration, and the formatting of its folder at the first start.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use super::kafka::java_arguments;
use super::kafka_tools::Tools;
use super::{folder, program};

const MIB: u32 = 1 << 20;

/// The ports of a node: for clients, and for its own controller.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) clients: u16,
    pub(super) controller: u16,
}

/// `server.properties` of a broker that is its own controller, with its data in `data`.
pub(super) fn server_properties(data: &Path, ports: Ports) -> anyhow::Result<String> {
    let Ports {
        clients,
        controller,
    } = ports;
    let data = escaped(data)?;
    let largest_message = 8 * MIB;
    Ok(format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{clients}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
log.retention.hours=-1
message.max.bytes={largest_message}
num.partitions=1
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"
    ))
}

/// Warnings into `kafka.log` in `dir`, 10 MB and one older file at most.
pub(super) fn log4j_properties(dir: &Path) -> anyhow::Result<String> {
    let log = escaped(&dir.join("kafka.log"))?;
    Ok(format!(
        "appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c: %m%n
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=1
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=file
"
    ))
}

/// A path as a value in a `.properties` file, which is Latin-1 with escapes.
fn escaped(path: &Path) -> anyhow::Result<String> {
    let path = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    if path.contains([',', '$']) {
        bail!(
            "Kafka cannot keep data in {path}: its settings give commas and dollar signs a meaning"
        );
    }
    Ok(path
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(b'\\') => "\\\\".to_owned(),
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect())
}

/// Makes `dir/data`. It is prepared beside it: a start that is killed leaves nothing that a later one takes
/// for a formatted folder.
pub(super) async fn format(
    tools: &Tools,
    libs: &Path,
    dir: &Path,
    ports: Ports,
) -> anyhow::Result<()> {
    let fresh = folder::fresh(dir, "data")?;
    let properties = dir.join("format.properties");
    fs::write(&properties, server_properties(&fresh, ports)?)?;
    // Kafka writes 128 bits in 22 digits of base64; hexadecimal digits are some of those, and an A is four zero bits.
    let cluster = format!("{}A", &folder::random_hex()?[..21]);
    let mut java = Command::new(&tools.java);
    java.args(java_arguments(libs, dir));
    java.args([
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        &cluster,
        "--config",
    ])
    .arg(&properties);
    program::settle(&mut java, None);
    let answer = java.stdin(Stdio::null()).output().await?;
    if !answer.status.success() {
        bail!(
            "Kafka's folder could not be formatted: {}{}",
            String::from_utf8_lossy(&answer.stdout),
            String::from_utf8_lossy(&answer.stderr)
        );
    }
    fs::remove_file(&properties)?;
    fs::rename(&fresh, dir.join("data"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_escaped_for_properties() -> anyhow::Result<()> {
        assert_eq!(
            escaped(Path::new("/home/josé/a b\\c"))?,
            "/home/jos\\u00e9/a b\\\\c"
        );
        assert!(escaped(Path::new("/a,b")).is_err());
        Ok(())
    }
}
