//! Words of the frame: the rail, the top bar, lists, keys, errors.

use crate::words;

words! {
    /// Names of the rooms in the rail.
    Nav {
        label: "主要選單", "Main menu";
        home: "值勤", "Duty";
        attacks: "攻擊", "Attacks";
        findings: "告警", "Findings";
        indicators: "入侵指標", "Indicators";
        review: "審核", "Review";
        points: "執行點", "Enforcement";
        sensors: "感測器", "Sensors";
        orgs: "組織", "Organisations";
        people: "人員", "People";
        audit: "稽核", "Audit";
        me: "我的資料", "My profile";
        sessions: "攻擊連線", "Sessions";
        campaigns: "攻擊行動", "Campaigns";
        tokens: "API 權杖", "API tokens";
        whose: "位址歸屬", "Whose address?";
        search: "搜尋", "Search";
    }
}

words! {
    /// The frame around every page.
    Frame {
        product: "聯防", "Lianfang";
        skip: "跳到主要內容", "Skip to the main content";
        search_label: "搜尋全部", "Search everything";
        search_hint: "位址、網域、雜湊值、欄位:值", "Address, domain, hash, field:value";
        clock: "目前時間", "Time now";
        language: "語言", "Language";
        theme: "外觀", "Appearance";
        theme_auto: "跟隨系統", "As the system";
        theme_light: "淺色", "Light";
        theme_dark: "深色", "Dark";
        sign_out: "登出", "Sign out";
        help: "鍵盤說明", "Keyboard help";
        live: "即時", "Live";
        live_lost: "連線中斷", "Connection lost";
        live_pause: "暫停更新", "Pause updates";
        live_resume: "繼續更新", "Resume updates";
        live_waiting: "項新資料待顯示", "updates waiting";
        live_age: "秒前更新", "s since the last update";
        crumbs: "目前位置", "You are here";
        demo: "展示中心：所有攻擊皆在本機產生，資料不對外分享。", "Demonstration centre: every attack is made on this machine; nothing leaves it.";
        demo_short: "展示", "Demo";
        empty: "—", "—";
        yes: "是", "Yes";
        no: "否", "No";
        back: "返回", "Back";
        save: "儲存", "Save";
        edit: "編輯", "Edit";
        add: "新增", "Add";
        open: "開啟", "Open";
        undo: "復原", "Undo";
        required: "必填", "Required";
        optional: "選填", "Optional";
        note: "備註", "Note";
        reason: "理由", "Reason";
        actions: "可執行的動作", "What you can do";
        history: "歷程", "History";
        copied: "已複製", "Copied";
        error_title: "無法完成", "This did not work";
        error_do: "可以這樣做", "What to do";
        error_code: "錯誤代碼", "Error code";
        error_where: "位置", "Where";
        error_detail: "詳細", "Detail";
        error_all: "錯誤代碼總表", "All error codes";
    }
}

words! {
    /// What every list shares.
    List {
        filter: "篩選", "Filter";
        query: "查詢", "Query";
        query_hint: "例：class:download and last:>=6h", "For example class:download and last:>=6h";
        run: "查詢", "Run";
        clear: "清除條件", "Clear";
        all: "全部", "All";
        next: "下一頁", "Next page";
        first: "回到第一頁", "First page";
        export: "匯出所見內容", "Export what you see";
        as_of: "截至", "As of";
        marking: "分享限制", "Marking";
        include: "只看此值", "Include";
        exclude: "排除此值", "Exclude";
        everywhere: "到處搜尋", "Search everywhere";
        copy: "複製", "Copy";
        value_menu: "值的動作", "Value menu";
        shown: "顯示筆數", "Rows shown";
        more_there: "還有更多", "there are more";
        complete: "已全部顯示", "that is all of them";
        none_title: "沒有資料", "Nothing here";
        none_match: "沒有符合條件的資料。", "Nothing matches these conditions.";
        none_match_do: "放寬或清除條件後再試。", "Widen or clear the conditions.";
        fields: "可用欄位", "Fields you can use";
        grammar: "寫法", "How to write it";
        grammar_field: "欄位:值，並以 and、or、not 與括號組合", "field:value, combined with and, or, not and parentheses";
        grammar_list: "多值、範圍、前綴", "Lists, ranges, prefixes";
        grammar_addr: "位址或網段；去武器化寫法亦可", "An address or network; defanged text works too";
        results_in: "搜尋結果", "Results";
    }
}

words! {
    /// The keyboard help.
    Keys {
        title: "鍵盤操作", "Keyboard";
        lead: "所有動作都可只用鍵盤完成。輸入法組字時不會觸發。", "Everything works from the keyboard. Nothing fires while an input method is composing.";
        switch: "使用單鍵快速鍵", "Use single-key shortcuts";
        switch_lead: "關閉後只保留 Tab、Enter 與 Esc。", "Off leaves Tab, Enter and Esc.";
        key: "按鍵", "Key";
        what: "動作", "Action";
        help: "顯示這份說明", "Show this help";
        search: "移到搜尋", "Go to search";
        go_home: "前往值勤", "Go to duty";
        go_attacks: "前往攻擊", "Go to attacks";
        go_findings: "前往告警", "Go to findings";
        go_indicators: "前往入侵指標", "Go to indicators";
        go_points: "前往執行點", "Go to enforcement";
        go_sensors: "前往感測器", "Go to sensors";
        next: "下一列", "Next row";
        previous: "上一列", "Previous row";
        open: "開啟所選列", "Open the selected row";
        take: "認領告警", "Take the finding";
        resolve: "結案", "Resolve";
        silence: "靜音", "Silence";
        undo: "復原上一個動作", "Undo the last action";
        menu: "開啟值的動作選單", "Open the value menu";
        pause: "暫停或繼續更新", "Pause or resume updates";
    }
}
