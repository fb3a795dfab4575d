//! Where events go: the partitions of the topics that the log has for its contexts.

use std::collections::HashMap;

use event_store::message::topic;
use sqlx::PgPool;

use super::Error;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) context: String,
    pub(super) topic: String,
    pub(super) partition: i32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// All of them, each known by its number.
#[derive(Debug, Clone)]
pub(super) struct Places {
    all: Vec<Place>,
    /// The number of the first partition of each context, and how many there are.
    contexts: HashMap<String, (usize, i32)>,
}

impl Places {
    /// Those of the log behind `pool`, whose topics' names begin with `prefix`.
    pub(super) async fn load(pool: &PgPool, prefix: &str) -> Result<Self, sqlx::Error> {
        let sql = "SELECT context, generation, partitions FROM topics ORDER BY context";
        let topics: Vec<(String, i32, i32)> = sqlx::query_as(sql).fetch_all(pool).await?;
        let (mut all, mut contexts) = (Vec::new(), HashMap::new());
        for (context, generation, partitions) in topics {
            contexts.insert(context.clone(), (all.len(), partitions));
            all.extend((0..partitions).map(|partition| Place {
                topic: topic(prefix, &context, generation),
                context: context.clone(),
                partition,
            }));
        }
        Ok(Self { all, contexts })
    }

    pub(super) fn all(&self) -> &[Place] {
        &self.all
    }

    /// The number of the place of the event at `position`.
    pub(super) fn number(
        &self,
        position: i64,
        context: &str,
        partition: i32,
    ) -> Result<usize, Error> {
        match self.contexts.get(context) {
            Some((first, partitions)) if (0..*partitions).contains(&partition) => {
                Ok(first + partition.unsigned_abs() as usize)
            }
            _ => Err(Error::NoPlace {
                position,
                place: format!("{context}[{partition}]"),
            }),
        }
    }
}
