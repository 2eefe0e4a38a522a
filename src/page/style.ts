/**
 * The look of the pages: light and dark, phone and desk, no font or picture from anywhere.
 *
 * @module
 */

/** One style sheet for all pages. */
export const style = `:root{color-scheme:light dark;--line:#8884;--soft:#8881;--dim:light-dark(#666,#aaa)}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem 1rem 4rem}
h1{font-size:1.4rem;margin:0}
p{margin:.25rem 0 1rem}
a{color:LinkText}
small,.dim{color:var(--dim);font-size:.875rem}
code{overflow-wrap:anywhere}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline;justify-content:space-between}
ul{list-style:none;margin:1rem 0;padding:0;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}
li{border:1px solid var(--line);border-radius:.5rem;overflow:hidden;display:flex;flex-direction:column}
li img,li span.none{display:block;width:100%;height:11rem;object-fit:contain;background:var(--soft)}
li span.none{display:grid;place-content:center;color:var(--dim);font-size:1.5rem;text-transform:uppercase}
li div{padding:.75rem;overflow-wrap:anywhere}
.button{border:1px solid var(--line);border-radius:.375rem;padding:.375rem .75rem;text-decoration:none}`
