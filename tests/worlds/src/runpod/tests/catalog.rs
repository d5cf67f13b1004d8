//! The catalog, and the stock behind it.

use super::*;

#[tokio::test]
async fn there_is_as_much_as_a_test_says() {
    let account = Account::open();
    let standin = &account.standin;
    standin.stock("*", "*", "*", Level::None, 0);
    // The catalog may be wrong.
    standin.stock("NVIDIA L40S", "SECURE", "EU-RO-1", Level::High, 1);
    let query = "include=AVAILABILITY&product=POD&count=1";
    let all = account.get(&format!("/v2/catalog/gpus?{query}")).await;
    let there: Vec<&str> = all.body["gpus"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gpu| gpu["availability"] != "NONE")
        .map(|gpu| gpu["name"].as_str().unwrap())
        .collect();
    assert_eq!(there, ["L40S"]);
    let french = account
        .get(&format!("/v2/catalog/gpus?{query}&countryCodes=FR"))
        .await;
    assert!(french.body["gpus"][0]["dataCenters"][0]["id"] == "EU-FR-1");
    let mut elsewhere = order("x");
    elsewhere["dataCenterIds"] = json!(["US-KS-2"]);
    let said = account.create(&elsewhere).await;
    assert_eq!(said.body["detail"], NO_CAPACITY);
    let made = account.create(&order("x")).await;
    assert_eq!(made.body["dataCenterId"], "EU-RO-1");
    assert_eq!(account.create(&order("y")).await.status, 400);
    account.is_as_described();
}

#[tokio::test]
async fn the_catalog_answers_as_its_rules_are() {
    let account = Account::open();
    let gpus = "/v2/catalog/gpus";
    let stock = "include=AVAILABILITY&product=POD";
    for (path, status) in [
        (gpus.to_owned(), 200),
        (
            format!("{gpus}?{stock}&cloud=COMMUNITY&cudaVersions=12.8,13.0"),
            200,
        ),
        (
            format!("{gpus}/NVIDIA%20L40S?{stock}&minCudaVersion=12"),
            200,
        ),
        (format!("{gpus}/NVIDIA%20B9000"), 404),
        (format!("{gpus}?include=AVAILABILITY"), 400),
        (format!("{gpus}?product=POD"), 400),
        (format!("{gpus}?cloud=SECURE"), 400),
        (
            format!("{gpus}?{stock}&cudaVersions=12.8&minCudaVersion=12.8"),
            400,
        ),
        ("/v2/catalog/cpus".into(), 200),
        (format!("/v2/catalog/cpus?{stock}&vcpuCount=4"), 200),
        ("/v2/catalog/cpus/cpu5c".into(), 200),
        (
            "/v2/catalog/datacenters?regions=EUROPE&include=GPU_AVAILABILITY".into(),
            200,
        ),
        (
            "/v2/catalog/datacenters/EU-RO-1?include=CPU_AVAILABILITY".into(),
            200,
        ),
        ("/v2/catalog/templates".into(), 200),
        ("/v2/account/ssh-keys".into(), 200),
        ("/v2/clouds".into(), 404),
        ("/v1/pods".into(), 410),
    ] {
        let said = account.get(&path).await;
        assert_eq!(said.status, status, "{path}: {said:?}");
        if status >= 400 {
            assert_eq!(said.body["status"], json!(status));
        }
    }
    if spec::Spec::is_here() {
        for query in ["cudaVersions=12", "countryCodes=fr", "cloud=ALL", "count=0"] {
            let said = account.get(&format!("{gpus}?{stock}&{query}")).await;
            assert_eq!(said.status, 422, "{query}");
        }
    }
    let said = account.ask("DELETE /v2/catalog/gpus", None).await;
    assert_eq!(said.status, 405, "{said:?}");
    account.is_as_described();
}
