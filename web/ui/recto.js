// What every page may use: copy buttons, and the content state that a dragged icon carries. Pages work without this file.

async function copyText(field) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(field.value);
    return;
  }
  // Plain http on another machine has no clipboard API: select, and let the browser's own command copy.
  field.focus();
  field.select();
  if (!document.execCommand('copy')) throw new Error('copying is not allowed here');
}

function announce(text) {
  const place = document.querySelector('[data-announce]');
  if (place) place.textContent = text;
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener('click', async () => {
    const field = document.getElementById(button.dataset.copy);
    try {
      await copyText(field);
      button.textContent = 'Copied';
      announce('Copied to the clipboard');
    } catch {
      field.focus();
      field.select();
      button.textContent = 'Selected';
      announce('The text is selected; copy it with the keyboard');
    }
    setTimeout(() => { button.textContent = label; }, 1800);
  });
}

for (const field of document.querySelectorAll('.copy input, .copy textarea')) {
  field.addEventListener('focus', () => field.select());
}

// The link itself goes along as the browser sends it; viewers that read content states take the plain text. Content State API 1.0, 3.4.
for (const link of document.querySelectorAll('a[data-drag]')) {
  link.addEventListener('dragstart', (event) => {
    if (link.dataset.drag) event.dataTransfer.setData('text/plain', link.dataset.drag);
  });
}
