//! Words of intelligence: indicators from events to receipts.

use crate::words;

words! {
    /// Indicators and their review.
    Intel {
        title: "入侵指標", "Indicators";
        one: "入侵指標", "Indicator";
        verdict: "研判", "Verdict";
        value: "值", "Value";
        kind: "種類", "Kind";
        state: "狀態", "State";
        score: "分數", "Score";
        score_of: "滿分 100", "of 100";
        factors: "分數由何而來", "Where the score comes from";
        factor: "因子", "Factor";
        input: "量測值", "Measured";
        part: "貢獻", "Adds";
        valid_until: "有效至", "Valid until";
        valid_from: "生效自", "Valid from";
        scope: "位址範圍", "Address scope";
        scope_global: "網際網路", "Internet";
        created: "建立", "Created";
        author: "撰寫者", "Written by";
        reviewer: "審核者", "Reviewed by";
        approver: "核准者", "Approved by";
        automatic: "自動路徑", "Automatic path";
        automatic_is: "由自動路徑發布：感測器實證且高分。", "Published by the automatic path: proven by sensors with a high score.";
        provenance: "來源證據", "Where it comes from";
        provenance_lead: "此指標所依據的攻擊連線；點選可看逐筆紀錄。", "The sessions it rests on; open one for its transcript.";
        provenance_none: "沒有感測器證據；由人員輸入。", "No sensor evidence: a person wrote it.";
        step_done: "已完成", "done";
        step_now: "目前", "now";
        step_todo: "未開始", "to come";
        enforcement: "執行情形", "Enforcement";
        enforcement_lead: "每個執行點實際上做了什麼，以及最後一次驗證。", "What each point really does, and when it was last verified.";
        enforcement_none: "尚未在任何執行點生效。", "Not enforced anywhere.";
        enforcement_none_do: "發布後會送往所有執行點；沒有執行點時請管理者新增。", "Once published it goes to every point; without a point, an administrator adds one.";
        point: "執行點", "Point";
        enforced: "執行狀態", "Enforced";
        since: "自何時起", "Since";
        proof: "驗證方式", "Proof";
        verified_at: "最近驗證", "Last verified";
        raw: "STIX 原文", "Raw STIX";
        raw_lead: "與收到或產生時的位元組完全相同。", "Byte for byte as received or made.";
        history: "歷程", "History";
        who: "何人", "Who";
        when: "何時", "When";
        what: "動作", "What";
        submit: "送審", "Submit for review";
        approve: "核准", "Approve";
        publish: "發布", "Publish";
        reject: "駁回", "Reject";
        send_back: "退回補正", "Send back";
        revoke: "撤回", "Revoke";
        revoke_lead: "撤回後，所有執行點會解除封鎖。", "Every point stops blocking it.";
        publish_lead: "發布後，所有執行點會封鎖此值直到有效期限。", "Every point blocks it until it expires.";
        reject_lead: "請說明退回理由，撰寫者會看到。", "Say why; the author sees it.";
        four_eyes: "核准者不得為撰寫者。", "The approver must not be the author.";
        night: "夜間單人值勤：需於事後由第二人覆核。", "Single officer at night: a second person confirms afterwards.";
        new: "新增入侵指標", "New indicator";
        new_lead: "可貼上去武器化的值。", "Defanged values are fine.";
        description: "說明", "Description";
        days: "有效天數", "Days valid";
        review: "待審核", "Waiting for review";
        review_title: "審核佇列", "Review queue";
        review_lead: "最久的在最前面。自己撰寫的指標不能自己核准。", "Oldest first. What you wrote yourself you cannot approve.";
        review_none: "沒有待審核的入侵指標。", "No indicator waits for review.";
        review_none_do: "感測器的高分觀測值會自動產生草稿。", "High scores from sensors make drafts by themselves.";
        none: "還沒有入侵指標。", "There is no indicator yet.";
        none_do: "感測器回報攻擊後會自動產生；情資人員也可手動新增。", "Sensors make them from attacks; an intelligence officer may add one by hand.";
        done_submit: "已送審。", "Submitted for review.";
        done_approve: "已核准。", "Approved.";
        done_publish: "已發布。", "Published.";
        done_reject: "已退回或駁回。", "Sent back or rejected.";
        done_revoke: "已撤回。", "Revoked.";
        done_new: "已建立草稿。", "Draft made.";
        updated: "更新", "Updated";
    }
}
