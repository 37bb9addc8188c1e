//! 系統與通訊保護: measures 67 to 71.

use super::Level::High;
use super::Who::{Operator, Product};
use super::{Given, Row, Verdict, gap, met, operator};

fn custody(given: &Given<'_>) -> Verdict {
    let told = if given.bad("files.secret") || given.bad("files.owner") || given.bad("data.folder") {
        operator(
            "檢視發現金鑰檔案的模式或擁有者不符（請執行 `lianfang doctor`）；並應訂定保管規範。",
            "Modes or owners of key files are wrong (run `lianfang doctor`); and lay down how keys are kept.",
        )
    } else {
        operator(
            "金鑰檔案模式 0600、資料夾 0700、以專用帳號執行；機關應訂定保管規範。尚不支援硬體金鑰。",
            "Key files have mode 0600, the folder 0700, and the service a user of its own; lay down how keys are kept. There is no hardware key store yet.",
        )
    };
    told.by(&[
        "access::keys::tests::the_file_is_made_once_and_private",
        "api::pki::tests::keys_are_private_and_kept_and_names_renew_the_certificate",
        "link::identity::tests::files_are_private_and_half_an_identity_is_none",
    ])
}

fn stored(given: &Given<'_>) -> Verdict {
    let told = if given.bad("files.config") {
        operator(
            "檢視發現設定檔可被他人讀寫（請執行 `lianfang doctor`）。",
            "The settings file is open to others (run `lianfang doctor`).",
        )
    } else {
        operator(
            "第二因子加密儲存、密碼與權杖僅存雜湊、設定經 systemd 憑證交付；資料庫與 journal 未加密：請使用加密磁碟，備份亦同。",
            "Second factors are sealed, of passwords and tokens only hashes are kept, settings come as a systemd credential; database and journal are not encrypted: use an encrypted disk, for backups too.",
        )
    };
    told.by(&[
        "access::keys::tests::sealed_values_open_only_in_their_place",
        "xtask::dist::package::tests::settings_are_listed_and_scripts_run",
    ])
}

pub(super) static ROWS: &[Row] = &[
    Row {
        id: 67,
        level: High,
        who: Product,
        measure: "傳輸加密與防竄改",
        verdict: |_| {
            met(
                "所有監聽皆為 TLS 1.2 以上；機器雙向驗證；阻擋清單另行簽章並拒絕重播、回溯與混用。",
                "Every listener speaks TLS 1.2 or later; machines show certificates; collections are signed besides, and replay, rollback and mixing are refused.",
            )
            .by(&[
                "lianfang::it::doctor::nothing_is_answered_in_the_clear",
                "lianfang::it::machines::certificates_open_their_own_door_until_revoked",
                "edge::it::attacks::every_flipped_bit_is_refused",
                "edge::it::attacks::replay_and_rollback_are_refused",
            ])
        },
    },
    Row {
        id: 68,
        level: High,
        who: Product,
        measure: "使用公開且未遭破解的演算法",
        verdict: |_| {
            met(
                "TLS（ring）、Ed25519、SHA-256、ChaCha20-Poly1305、Argon2id；MD5 僅用於 HASSH 指紋，SHA-1 僅用於 RFC 6238 驗證碼。清單見 docs/security/README.md，尚無自動掃描。",
                "TLS (ring), Ed25519, SHA-256, ChaCha20-Poly1305, Argon2id; MD5 for the HASSH fingerprint only, SHA-1 for the codes of RFC 6238 only. The list is in docs/security/README.md; nothing scans it yet.",
            )
            .by(&[
                "access::password::tests::hashes_are_argon2id_of_record_and_verify",
                "access::keys::tests::sealed_values_open_only_in_their_place",
                "store::audit::note::tests::a_note_opens_and_no_changed_byte_does",
                "store::audit::tree::tests::known_values",
            ])
        },
    },
    Row {
        id: 69,
        level: High,
        who: Product,
        measure: "金鑰或憑證定期更換",
        verdict: |_| {
            gap(
                "機器憑證自動更換，伺服器憑證於啟動時更換；缺：簽章與封存金鑰、憑證授權的更換。",
                "Machines renew their certificates by themselves, the server's is renewed at a start; missing: new signing and sealing keys, and new authorities.",
            )
            .by(&[
                "lianfang::it::machines::a_certificate_is_not_renewed_early_and_never_after_revocation",
                "sensor::it::fleet::the_next_certificate_takes_over_when_it_is_shown",
            ])
        },
    },
    Row { id: 70, level: High, who: Operator, measure: "伺服器端金鑰的保管", verdict: custody },
    Row {
        id: 71, level: High, who: Operator, measure: "重要組態與應保護資訊的儲存保護", verdict: stored
    },
];
