/**
 * The style sheet of the playground. It looks like the pages of cfile, which the emulator does not import.
 *
 * @module
 */

export const style: string = `:root{color-scheme:light dark;--bg:light-dark(#fff,#0d1117);--fg:light-dark(#1f2328,#e6edf3);--dim:light-dark(#59636e,#9198a1);--line:light-dark(#d1d9e0,#3d444d);--soft:light-dark(#f6f8fa,#151b23);--link:light-dark(#0969da,#4493f8);--mono:.75rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--bg);color:var(--fg);font:.875rem/1.5 system-ui,sans-serif}
main{max-width:76rem;margin:auto;padding:clamp(1rem,4vh,2.5rem) clamp(.75rem,3vw,2rem) 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem;font-weight:600}
h2{font-size:.875rem;margin:0 0 .5rem;font-weight:600}
p{margin:0 0 1rem}
a{color:var(--link)}
.dim,summary{color:var(--dim)}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.columns{display:grid;grid-template-columns:minmax(0,1fr) 24rem;gap:2rem;align-items:start;border-top:1px solid var(--line);padding-top:1rem}
label{display:block;font-weight:600;margin-bottom:.5rem}
textarea,input{width:100%;font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:.375rem;padding:.5rem .75rem;resize:vertical}
input{margin-top:.5rem;max-width:24rem}
.row{display:flex;gap:1rem;align-items:center;margin-top:.5rem}
button{font:inherit;font-weight:500;line-height:1.25rem;color:inherit;background:var(--soft);border:1px solid var(--line);border-radius:.375rem;padding:.3125rem .75rem;cursor:pointer}
#ask{background:light-dark(#0969da,#1f6feb);border-color:transparent;color:#fff;padding-inline:1.25rem}
#ask:disabled{opacity:.6}
.prompts{list-style:none;margin:.75rem 0 1.25rem;padding:0;display:flex;flex-wrap:wrap;gap:.375rem}
.prompts button{font-size:.75rem;font-weight:400;text-align:left;border-radius:1rem;padding:.125rem .75rem;color:var(--dim)}
.prompts button:hover{color:var(--fg);border-color:var(--dim)}
details{margin-bottom:1rem}
summary{cursor:pointer}
pre{margin:.5rem 0 0;overflow:auto;max-height:14rem;padding:.625rem .75rem;font:var(--mono);background:var(--soft);border:1px solid var(--line);border-radius:.375rem}
#answer{white-space:pre-wrap;overflow-wrap:anywhere;font-size:1rem}
#answer code{font:var(--mono);color:var(--dim)}
#answer a{font-weight:500}
#answer img{display:block;max-width:100%;max-height:16rem;margin:.5rem 0;border:1px solid var(--line);border-radius:.375rem;background:#fff;animation:appear .4s}
#page{margin-top:1rem}
.error{border:1px solid light-dark(#d1242f,#f85149);border-radius:.375rem;padding:.75rem 1rem}
ol{list-style:none;margin:0;padding:.5rem 0;font:var(--mono);height:28rem;overflow:auto;background:var(--soft);border:1px solid var(--line);border-radius:.375rem}
ol li{padding:0 .75rem;overflow-wrap:anywhere}
ol .file{color:var(--link)}
@keyframes appear{from{opacity:0}}
@media(prefers-reduced-motion:reduce){#answer img{animation:none}}
@media(max-width:60rem){.columns{grid-template-columns:minmax(0,1fr)}ol{height:14rem}}`
