//! Reconciliation finds changes that no notification tells.

use anyhow::{Context as _, Result, ensure};

use crate::arriving;
use crate::library::reconcile;
use crate::screen::Screen;
use crate::world::World;

const UPLOADED: &str = "night-ferry";

pub(crate) async fn repair(world: &World, screen: &Screen) -> Result<()> {
    world.lose_notifications(true).await?;
    let doomed = world.pick("products/mugs", 100, 1).await?.remove(0);
    world.cloudinary.destroy(&doomed.asset_id, true).await?;
    arriving::put(world, UPLOADED, [40, 60, 130]).await?;
    world.quiet().await?;
    world.lose_notifications(false).await?;
    screen.line(format!(
        "Lost: the delete of {} and the upload of journal/{UPLOADED}.",
        doomed.name.public_id
    ));

    let (row_of_deleted, row_of_uploaded) = look(world, &doomed.name.public_id).await?;
    ensure!(
        row_of_deleted && !row_of_uploaded,
        "the mirror knows changes that nobody told"
    );
    screen.line("The mirror still shows the one and does not know the other.");

    let run = reconcile(world).await?;
    let counters = &run["counters"];
    screen.line(format!(
        "A full run listed {} assets: {} new, {} changed, {} deleted; it looked for {} by id.",
        counters["listed"],
        counters["created"],
        counters["updated"],
        counters["deleted"],
        counters["suspects"]
    ));
    ensure!(
        counters["created"] == 1 && counters["deleted"] == 1,
        "one asset was new and one was gone: {run}"
    );
    let (row_of_deleted, row_of_uploaded) = look(world, &doomed.name.public_id).await?;
    ensure!(
        !row_of_deleted && row_of_uploaded,
        "reconciliation did not repair the mirror"
    );
    screen.good("Both are repaired.");
    Ok(())
}

/// Asks if the API lists the deleted asset, and the uploaded one.
async fn look(world: &World, deleted: &str) -> Result<(bool, bool)> {
    let listed = async |name: &str| {
        let found = world.media(&[("search", name)]).await;
        let found = found.with_context(|| format!("looking for {name}"))?;
        Ok::<_, anyhow::Error>(!found.is_empty())
    };
    Ok((listed(deleted).await?, listed(UPLOADED).await?))
}
