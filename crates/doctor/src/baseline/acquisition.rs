//! 系統與服務獲得: measures 48 to 66.

use super::Level::{Basic, High, Medium};
use super::Who::{Maker, Operator, Product};
use super::{Given, Row, Verdict, gap, met, operator};
use crate::checks::{Width, width};

/// Rows of docs/security/scoreboard.toml that no test proves at all; a test compares.
pub(super) const UNPROVED: &str = "R03, R14, S03, S14, S18, S22";

fn doors(given: &Given<'_>) -> Verdict {
    let listens = [given.at.listen, given.at.listen_machines];
    let told = if listens.iter().all(|listen| matches!(width(listen), Width::Loopback | Width::One)) {
        met(
            "中心僅開兩個 TCP 連接埠，未設定時僅限本機；沒有其他服務。",
            "The centre opens two TCP ports, on this host only unless it is told otherwise; there is no other service.",
        )
    } else {
        operator(
            "監聽本機所有位址或名稱：請改為單一位址，或以防火牆限制來源。",
            "It listens on every address or on a name: name one address, or let a firewall decide who may connect.",
        )
    };
    told.set("listen", given.at.listen)
        .set("listen_machines", given.at.listen_machines)
        .by(&["lianfang::it::doctor::nothing_is_answered_in_the_clear"])
}

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 48,
        level: Basic,
        who: Maker,
        measure: "確認機密性、可用性、完整性的安全需求",
        verdict: |_| {
            met(
                "需求即 docs/security/scoreboard.toml 的 40 列承諾與本表。",
                "The needs are the forty promises of docs/security/scoreboard.toml and this table.",
            )
            .by(&[
                "xtask::score::tests::the_table_of_the_project_is_whole",
                "doctor::baseline::tests::the_table_is_whole",
            ])
        },
    },
    Row {
        id: 49,
        level: Medium,
        who: Maker,
        measure: "識別威脅並評估風險",
        verdict: |_| {
            met(
                "docs/security/threat-model.md：十二類行為者、最壞情形、風險評等與剩餘風險。",
                "docs/security/threat-model.md: twelve actors, the worst each could do, a grade, and what is left.",
            )
            .by(&["doctor::baseline::tests::the_threat_model_names_its_proofs"])
        },
    },
    Row {
        id: 50,
        level: Medium,
        who: Maker,
        measure: "風險評估結果回饋安全需求",
        verdict: |_| {
            met("每類威脅皆指向計分表中存在的列。", "Each threat names rows of the scoreboard, and they are there.")
                .by(&["doctor::baseline::tests::the_threat_model_names_its_proofs"])
        },
    },
    Row {
        id: 51,
        level: Basic,
        who: Maker,
        measure: "依安全需求實作控制措施",
        verdict: |_| {
            gap(
                &format!("計分表尚有完全沒有測試的列：{UNPROVED}；其餘各列註明尚缺的部分。"),
                &format!("Rows of the scoreboard without any test: {UNPROVED}; the others say what part is missing."),
            )
            .by(&["doctor::baseline::tests::the_rows_without_proof_are_named"])
        },
    },
    Row {
        id: 52,
        level: Basic,
        who: Maker,
        measure: "避免常見弱點",
        verdict: |_| {
            met(
                "輸出一律跳脫且無內嵌指令碼、表單具符記、參數綁定、名稱不成為路徑、嚴格的請求型別；尚無瀏覽器全面巡檢（S05）。",
                "Escaped output without inline script, tokens in forms, bound parameters, names never become paths, strict bodies; no crawl by a browser yet (S05).",
            )
            .by(&[
                "portal::fixture::checks::hostile_text_is_escaped",
                "portal::fixture::checks::no_page_holds_anything_inline",
                "portal::it::door::forms_without_their_token_or_from_elsewhere_are_refused",
                "store::it::blobs::a_name_never_becomes_a_path",
                "api::reply::tests::bodies_are_strict_and_bounded",
            ])
        },
    },
    Row {
        id: 53,
        level: Basic,
        who: Product,
        measure: "錯誤頁面僅顯示簡短訊息與代碼",
        verdict: |_| {
            met(
                "每個錯誤有代碼、雙語短文與處理方式；細節只在主機日誌。",
                "Each error has a code, a short text in both languages and what to do; details stand in the host's log only.",
            )
            .by(&[
                "lianfang::codes::tests::every_code_has_a_form_and_both_languages",
                "portal::it::desk::what_is_not_there_says_so_with_its_code",
            ])
        },
    },
    Row {
        id: 54,
        level: High,
        who: Maker,
        measure: "源碼掃描",
        verdict: |_| {
            gap(
                "每次提交執行 clippy（警告即錯誤）與自訂規則；缺：專用的源碼安全掃描與報告。",
                "Each submission passes clippy without a warning and rules of our own; missing: a scanner made for security, and its report.",
            )
            .by(&["xtask::tidy::tests::the_house_is_tidy", "xtask::tidy::tests::each_check_can_fail"])
        },
    },
    Row {
        id: 55,
        level: High,
        who: Product,
        measure: "嚴重錯誤的通知機制",
        verdict: |_| {
            gap(
                "嚴重錯誤會結束程式並由 systemd 重新啟動；缺：通知人員的管道。",
                "After a grave error the program ends and systemd starts it again; missing: a way to notify people.",
            )
            .by(&["runtime::supervisor::tests::a_vital_task_that_ends_is_told"])
        },
    },
    Row {
        id: 56,
        level: Basic,
        who: Maker,
        measure: "弱點掃描",
        verdict: |_| {
            gap(
                "缺：對執行中系統的弱點掃描；已知相依套件弱點的比對需連網，未納入每次提交。",
                "Missing: a scan of a running system; comparing dependencies with advisories needs the network and is not part of each submission.",
            )
        },
    },
    Row {
        id: 57,
        level: High,
        who: Maker,
        measure: "滲透測試",
        verdict: |_| gap("缺：外部人員的滲透測試。", "Missing: a penetration test by others."),
    },
    Row {
        id: 58,
        level: Basic,
        who: Operator,
        measure: "部署環境的更新與修補",
        verdict: |_| {
            operator(
                "請更新主機並安裝新版套件（docs/installing.md）；目前沒有簽章的發行，也不會自動得知新版。",
                "Keep the host up to date and install new packages (docs/installing.md); releases are not signed yet, and nothing tells of a new one.",
            )
        },
    },
    Row { id: 59, level: Basic, who: Product, measure: "關閉不必要的服務與連接埠", verdict: doors },
    Row {
        id: 60,
        level: Basic,
        who: Product,
        measure: "不使用預設密碼",
        verdict: |_| {
            met("沒有預設帳號與密碼。", "There is no default account and no default password.").by(&[
                "access::it::setup::the_setup_link_makes_one_administrator_and_dies",
                "access::it::setup::of_two_at_the_same_moment_one_becomes_the_first",
            ])
        },
    },
    Row {
        id: 61,
        level: Basic,
        who: Maker,
        measure: "系統源碼備份",
        verdict: |_| {
            gap(
                "原始碼在 git；缺：另一處的備份與其檢查紀錄。",
                "The source is in git; missing: a copy elsewhere that is checked, with a record of it.",
            )
        },
    },
    Row {
        id: 62,
        level: Medium,
        who: Maker,
        measure: "維運階段的版本控制與變更管理",
        verdict: |_| {
            gap(
                "程式碼有版本控制與 changelog.d；缺：設定檔的變更紀錄，以及發行的管理。",
                "The source has version control and changelog.d; missing: a record of changed settings, and releases.",
            )
        },
    },
    Row {
        id: 63,
        level: Basic,
        who: Operator,
        measure: "委外契約納入安全需求",
        verdict: |_| {
            operator(
                "機關應將安全需求納入契約；本表可作為附件。",
                "Put the security needs into the contract; this table may be attached to it.",
            )
        },
    },
    Row {
        id: 64,
        level: Basic,
        who: Maker,
        measure: "識別第三方元件",
        verdict: |_| {
            met(
                "`make dist` 為每個程式產生 CycloneDX 1.5 物料清單。",
                "`make dist` writes a bill of materials (CycloneDX 1.5) for each program.",
            )
            .by(&[
                "xtask::dist::sbom::tests::the_serial_is_a_uuid_of_the_content",
                "xtask::dist::sbom::tests::old_choices_are_expressions_and_only_the_registrys_crates_have_a_url",
                "xtask::dist::graph::tests::a_tree_gives_edges",
            ])
        },
    },
    Row {
        id: 65,
        level: Medium,
        who: Operator,
        measure: "開發、測試與正式環境區隔",
        verdict: |_| {
            operator(
                "機關應分開各環境的主機；程式拒絕以示範的資料夾作為正式中心，資料列也分真實與演練。",
                "Keep the environments on hosts of their own; the program refuses a demo's folder as a real centre, and rows are real or of a drill.",
            )
            .by(&[
                "lianfang::folder::tests::a_demo_is_not_served_as_real",
                "edge::it::points::audiences_and_realms_do_not_mix",
            ])
        },
    },
    Row {
        id: 66,
        level: Basic,
        who: Maker,
        measure: "儲存與管理開發生命週期的說明資料",
        verdict: |_| {
            met(
                "架構、決策紀錄、安裝、錯誤代碼與安全說明在 docs，並以測試與程式比對。",
                "Architecture, decisions, installation, codes and security stand in docs, and tests compare them with the program.",
            )
            .by(&[
                "lianfang::cli::tests::what_the_pages_tell_a_reader_to_type_is_understood",
                "lianfang::codes::tests::the_page_of_errors_is_what_the_rooms_declare",
            ])
        },
    },
];
