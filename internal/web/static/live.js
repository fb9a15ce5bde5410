// Elements with data-live="SECONDS" show what changes: the page asks for itself
// with ?live and takes the answer as the element's content, until the answer
// says that it is over (header Orgflow-Live: over) or the page is left. Without
// this script the page shows the state it was loaded with.
const plain = text => { // as the browser writes it
  const box = document.createElement('template');
  box.innerHTML = text;
  return box.innerHTML;
};
document.querySelectorAll('[data-live]').forEach(element => {
  const seconds = Number(element.dataset.live) || 3;
  const address = new URL(location.href);
  address.searchParams.set('live', '');
  let last = element.innerHTML; // what is shown stays, as it was scrolled and opened, until it changes
  const ask = async () => {
    let over = false;
    if (!document.hidden && !element.contains(document.activeElement)) {
      try {
        const answer = await fetch(address, {credentials: 'same-origin', redirect: 'error'});
        if (answer.ok) {
          const text = plain(await answer.text());
          // Whoever has begun to write or press something meanwhile goes on with it.
          if (text !== last && !element.contains(document.activeElement)) {
            element.innerHTML = text;
            last = text;
          }
          over = answer.headers.get('Orgflow-Live') === 'over';
        }
      } catch { /* the server is away: the next time tells */ }
    }
    if (!over) setTimeout(ask, seconds * 1000);
  };
  setTimeout(ask, seconds * 1000);
});
