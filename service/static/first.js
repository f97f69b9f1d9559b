// Before the first paint, so that nothing flashes: the theme and the language that were chosen here.
{
  const kept = (name) => {
    try {
      return JSON.parse(localStorage.getItem(`hoiquy.${name}`));
    } catch {
      return null;
    }
  };
  const theme = kept("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  const language = kept("language") ?? navigator.language.slice(0, 2);
  document.documentElement.lang = language === "vi" ? "vi" : "en";
}
