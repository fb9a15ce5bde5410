// Parts of pages that are loaded when they are needed. Without this script
// every part is a page of its own, one link away.
(() => {
  // part asks a page for its changing part only; null where that is refused.
  const part = async address => {
    const url = new URL(address, location.href);
    url.searchParams.set('live', '');
    try {
      const answer = await fetch(url, {credentials: 'same-origin', redirect: 'error'});
      return answer.ok ? await answer.text() : null;
    } catch {
      return null;
    }
  };

  // A department that is opened for the first time loads those below it; the
  // rest of a long level comes when it is asked for.
  document.querySelectorAll('.tree').forEach(tree => {
    tree.classList.add('scripted');
    tree.addEventListener('toggle', async event => {
      const details = event.target, item = details.parentElement;
      if (!details.open || details.dataset.asked || item.querySelector(':scope > ul')) return;
      details.dataset.asked = 'yes';
      const text = await part(item.querySelector(':scope > a').href);
      if (text !== null) {
        item.insertAdjacentHTML('beforeend', text);
        return;
      }
      delete details.dataset.asked;
      details.open = false;
    }, true); // toggle does not bubble
    tree.addEventListener('click', async event => {
      const more = event.target.closest('.more > a');
      if (!more || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const text = await part(more.href);
      if (text === null) {
        location.href = more.href;
        return;
      }
      const box = document.createElement('template');
      box.innerHTML = text;
      const items = [...box.content.querySelector('ul').children];
      const there = new Set([...more.closest('ul').querySelectorAll(':scope > li > a')].map(a => a.getAttribute('href')));
      const fresh = items.filter(item => !there.has(item.querySelector(':scope > a').getAttribute('href')));
      more.parentElement.replaceWith(...fresh);
      fresh[0]?.querySelector('a').focus();
    });
  });

  // Sections that load themselves, and links that stay within theirs.
  const fill = async (section, address) => {
    const text = await part(address);
    if (text === null) return false;
    section.innerHTML = text;
    return true;
  };
  document.querySelectorAll('[data-load], [data-within]').forEach(section => {
    if (section.dataset.load) fill(section, section.dataset.load);
    section.addEventListener('click', async event => {
      const link = event.target.closest('a[data-in]');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (await fill(section, link.href)) section.querySelector('a[data-in]')?.focus();
      else location.href = link.href;
    });
  });
})();
