/** Route templates of HTTP triggers: `products/{category:alpha}/{id:int?}`. */

const PARAMETER = /\{(\*?)([^}:=?]+)([^}]*)\}/g;

export interface Parameter {
  name: string;
  isOptional: boolean;
  hint: string;
}

export function parameters(address: string): Parameter[] {
  return [...address.matchAll(PARAMETER)].map(([, star, name, rest]) => ({
    name,
    isOptional: star === '*' || rest.endsWith('?') || rest.includes('='),
    hint: rest.replace(/^:/, '').replace(/\?$/, ''),
  }));
}

/** The path below the host, with the parameters' values. */
export function filled(address: string, values: Record<string, string>): string {
  const path = address.replace(/^https?:\/\/[^/]+/, '');
  const whole = path.replace(PARAMETER, (_, star: string, name: string) => {
    const value = values[name] ?? '';
    return star ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
  });
  return whole.replace(/\/+$/, '') || '/';
}
