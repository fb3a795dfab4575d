//! The tables of the tree.

use proofs::{Tile, TileId, Tiles};
use sqlx::{PgConnection, PgExecutor, Row};

use super::Error;

/// How many leaves the tiles have.
///
/// # Errors
/// When the database is away.
pub async fn size(log: impl PgExecutor<'_>) -> Result<u64, sqlx::Error> {
    let size: i64 = sqlx::query_scalar("SELECT size FROM tree")
        .fetch_one(log)
        .await?;
    Ok(size.unsigned_abs())
}

/// Those of these tiles that there are, as wide as they are by now.
///
/// # Errors
/// When the database is away, or a tile can't be read.
pub async fn tiles(
    log: impl PgExecutor<'_>,
    ids: impl IntoIterator<Item = TileId>,
) -> Result<Vec<Tile>, Error> {
    let (levels, indices): (Vec<i16>, Vec<i64>) = ids.into_iter().map(place).unzip();
    let rows = sqlx::query(
        "SELECT level, index, hashes FROM tiles \
         JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, index) USING (level, index) \
         ORDER BY level, index",
    )
    .bind(levels)
    .bind(indices)
    .fetch_all(log)
    .await?;
    let tile = |row: &sqlx::postgres::PgRow| {
        let (level, index): (i16, i64) = (row.try_get("level")?, row.try_get("index")?);
        let id = TileId {
            level: u8::try_from(level).unwrap_or(u8::MAX),
            index: index.unsigned_abs(),
        };
        Ok(Tile::from_bytes(id, row.try_get("hashes")?)?)
    };
    rows.iter().map(tile).collect()
}

/// The same, to be asked for nodes.
pub(super) async fn nodes(
    log: impl PgExecutor<'_>,
    ids: impl IntoIterator<Item = TileId>,
) -> Result<Tiles, Error> {
    Ok(tiles(log, ids).await?.into_iter().collect())
}

/// Stores tiles that are new or wider than before.
pub(super) async fn write(tx: &mut PgConnection, tiles: &[Tile]) -> Result<(), sqlx::Error> {
    let (levels, indices): (Vec<i16>, Vec<i64>) = tiles.iter().map(|tile| place(tile.id())).unzip();
    let hashes: Vec<Vec<u8>> = tiles.iter().map(Tile::to_bytes).collect();
    sqlx::query(
        "INSERT INTO tiles (level, index, hashes) \
         SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) \
         ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes",
    )
    .bind(levels)
    .bind(indices)
    .bind(hashes)
    .execute(tx)
    .await?;
    Ok(())
}

fn place(id: TileId) -> (i16, i64) {
    (i16::from(id.level), id.index.cast_signed())
}
