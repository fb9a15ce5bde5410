// Inside DingTalk: asks its client for a code and sends it to the server. The
// code works once and for five minutes; it is never kept here.
(function () {
  "use strict";
  var form = document.getElementById("app");
  function fail(why) {
    document.getElementById("waiting").hidden = true;
    document.getElementById("cause").textContent = why || "";
    document.getElementById("failed").hidden = false;
  }
  var ask = window.dd && (window.dd.requestAuthCode ||
    (window.dd.runtime && window.dd.runtime.permission && window.dd.runtime.permission.requestAuthCode));
  if (!ask) {
    fail("dd.requestAuthCode");
    return;
  }
  ask({
    corpId: form.dataset.corp,
    clientId: form.dataset.client,
    success: function (r) { form.elements.code.value = r.code; form.submit(); },
    onSuccess: function (r) { form.elements.code.value = r.code; form.submit(); },
    fail: function (e) { fail((e && (e.errorMessage || e.message)) || ""); },
    onFail: function (e) { fail((e && (e.errorMessage || e.message)) || ""); }
  });
})();
