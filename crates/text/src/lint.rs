//! Words of mainland usage that must not stand in a zh-TW text, each with the Taiwanese word.

/// Pairs of (never, instead).
pub static MAINLAND: &[(&str, &str)] = &[
    ("網絡", "網路"),
    ("信息", "資訊"),
    ("數據", "資料"),
    ("軟件", "軟體"),
    ("硬件", "硬體"),
    ("服務器", "伺服器"),
    ("用戶", "使用者"),
    ("賬號", "帳號"),
    ("賬戶", "帳號"),
    ("登錄", "登入"),
    ("密鑰", "金鑰"),
    ("默認", "預設"),
    ("激活", "啟用"),
    ("端口", "連接埠"),
    ("域名", "網域名稱"),
    ("網關", "閘道"),
    ("接口", "介面"),
    ("程序", "程式"),
    ("進程", "處理程序"),
    ("內存", "記憶體"),
    ("緩存", "快取"),
    ("屏幕", "螢幕"),
    ("文件", "檔案"),
    ("字段", "欄位"),
    ("黑客", "駭客"),
    ("木馬病毒", "木馬程式"),
    ("殭屍網絡", "殭屍網路"),
    ("蜜罐", "誘捕系統"),
    ("情報", "情資"),
    ("哈希", "雜湊"),
    ("終端", "端點"),
    ("審計", "稽核"),
    ("響應", "應變"),
    ("項目", "專案"),
    ("優化", "最佳化"),
    ("鏈接", "連結"),
    ("鏡像", "映像檔"),
    ("運維", "維運"),
    ("運營商", "電信業者"),
    ("導入", "匯入"),
    ("導出", "匯出"),
    ("保存", "儲存"),
    ("菜單", "選單"),
    ("支持", "支援"),
    ("打印", "列印"),
    ("質量", "品質"),
    ("郵箱", "信箱"),
    ("線程", "執行緒"),
    ("隊列", "佇列"),
    ("異步", "非同步"),
    ("漏洞掃描", "弱點掃描"),
    ("智能", "智慧"),
    ("視頻", "影片"),
    ("點擊", "點選"),
    ("刷新", "重新整理"),
    ("撤銷", "撤回"),
];

/// Taiwanese words that contain a listed one by chance.
static FINE: &[&str] = &["處理程序", "網域名稱", "用戶端"];

/// Every mainland word in the text, with the word to use instead.
#[must_use]
pub fn mainland(text: &str) -> Vec<(&'static str, &'static str)> {
    let mut text = text.to_owned();
    for fine in FINE {
        text = text.replace(fine, "");
    }
    MAINLAND.iter().copied().filter(|(never, _)| text.contains(never)).collect()
}

/// Whether the character is Chinese script or its full-width punctuation.
#[must_use]
pub const fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_it_should() {
        assert_eq!(mainland("請登錄服務器"), [("服務器", "伺服器"), ("登錄", "登入")]);
        assert_eq!(mainland("請登入伺服器，檢查處理程序"), []);
    }

    #[test]
    fn no_replacement_is_itself_refused() {
        for (never, instead) in MAINLAND {
            assert_eq!(mainland(instead), [], "{never}");
        }
    }
}
