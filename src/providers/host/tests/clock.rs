//! Hosts that do not know the time.

use super::*;

const HOUR: i64 = 3600;

#[tokio::test]
async fn a_host_that_is_hours_off_is_refused_and_check_says_so() {
    for seconds in [10 * HOUR, -10 * HOUR] {
        let here = Here::with_clock_ahead(seconds);
        let error = here.local().launch(&here.order("exec sleep 300")).await;
        let error = error.expect_err("its machines would end at the wrong time");
        let said = chain(&error);
        assert!(said.contains("its clock is"), "{said}");
        assert_eq!(here.census().await, []);
        let health = here.local().check().await.unwrap();
        let said = health.warnings.join("\n");
        assert!(said.contains("its clock is"), "{said}");
    }
}

#[tokio::test]
async fn a_host_that_is_minutes_off_is_used() {
    for seconds in [200, -200] {
        let here = Here::with_clock_ahead(seconds);
        let order = here.order("exec sleep 300");
        let machine = here.local().launch(&order).await.unwrap();
        here.local().terminate(&machine.id).await.unwrap();
        let health = here.local().check().await.unwrap();
        let said = health.warnings.join("\n");
        assert!(!said.contains("its clock is"), "{said}");
        here.finish().await;
    }
}
