//! temp
use crate::world::*;
use base::Realm;
use edge::wire::*;
use edge::*;
use store::Actor;
use testkit::*;
use std::time::Instant;
#[tokio::test]
async fn speed() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let limits = ChangeLimits { floor: 2_000_000, ..ChangeLimits::default() };
        w.edge.set_config_as(Actor::Stranger, Realm::Real, RealmConfig { limits, ..RealmConfig::default() }).await.unwrap();
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let t = Instant::now();
        let asks = (0..100_000_u32).map(|n| w.ask(&format!("9.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255), Intent::Deny)).collect();
        w.edge.issue_list(&duty(1), asks).await.unwrap();
        println!("issue 100k {:?}", t.elapsed());
        let t = Instant::now();
        let frames = w.edge.frames_since(agent.id(), 0).await.unwrap();
        println!("snapshot {} frames {:?}", frames.len(), t.elapsed());
        let t = Instant::now();
        agent.take(&frames, w.now());
        println!("take {:?}", t.elapsed());
        let t = Instant::now();
        let frames = w.edge.frames_since(agent.id(), 1).await.unwrap();
        println!("delta {} frames {:?}", frames.len(), t.elapsed());
        let t = Instant::now();
        let list = w.edge.block_list(&all(), CENTRE).await.unwrap();
        println!("list {} {:?}", list.keys.len(), t.elapsed());
        let mut cursor = w.edge.open_stream(agent.id(), agent.replica.mark().sequence);
        w.edge.next_frames(&mut cursor).await.unwrap();
        let mut times = vec![];
        for n in 0..200 {
            let t = Instant::now();
            w.deny(&format!("8.8.4.{n}")).await;
            let frames = w.edge.next_frames(&mut cursor).await.unwrap();
            agent.take(&frames, w.now());
            times.push(t.elapsed());
        }
        times.sort();
        println!("one: median {:?} p99 {:?}", times[100], times[197]);
        let t = Instant::now();
        assert!(w.edge.check_desired(Realm::Real).await.unwrap().is_empty());
        println!("check {:?}", t.elapsed());
    }).await;
}
