// A form is sent once: whoever presses its button twice means it once. Without
// this script the server tells what came twice (retry, undo, starts) or refuses
// what is done already.
document.addEventListener('submit', event => {
  const form = event.target;
  if (form.getAttribute('method') !== 'post') return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  form.setAttribute('aria-busy', 'true');
});
// Whoever comes back by the browser's button may send it again.
addEventListener('pageshow', event => {
  if (!event.persisted) return;
  document.querySelectorAll('form[data-sent]').forEach(form => {
    delete form.dataset.sent;
    form.removeAttribute('aria-busy');
  });
});
